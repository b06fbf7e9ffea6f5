#!/usr/bin/env bash
# Runs the conformance suite on the card in process and on the card in the virtual reader. Both
# must conform, and no verdict may depend on the way the APDUs take. Needs pcscd up, and the
# programs built: TILLCARD_BIN_DIR says where they are. Leaves its reports beside them.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

bin=${TILLCARD_BIN_DIR:-$CARGO_TARGET_DIR/debug}
reports=$CARGO_TARGET_DIR/conformance
seed=1

rm -rf "$reports"
mkdir -p "$reports"
for target in emulator pcsc; do
    "$bin/tillcard-conform" run --target "$target" --seed "$seed" --report "$reports/$target" >&2 ||
        die "the card does not conform on target $target; the report is in $reports/$target"
done

/usr/bin/python3 scripts/same_verdicts.py "$reports"/{emulator,pcsc}/report.json
