#!/usr/bin/env bash
# Installs the emulator's package for Node into a folder of its own, as npm does it for a user, and runs
# its tests through opensc-tool. TILLCARD_EMU is the program.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
git ls-files -z vsmartcard-bridge/typescript | xargs -0 cp --parents --target-directory "$folder"
cd "$folder/vsmartcard-bridge/typescript"
npm ci --no-audit --no-fund --silent >&2
log=$folder/log
npm test --silent >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
}
sed -n 's/^# \(tests\|pass\|fail\) /node: \1 /p' "$log"
