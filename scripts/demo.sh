#!/usr/bin/env bash
# Plays the demo on a fresh machine: installs what is missing and builds. With --pcscd, the card is in
# the virtual reader of a pcscd, which is started if none runs; else in a reader of the emulator's own.
# Standard output is the demo's alone.
#
# usage: scripts/demo.sh [--pcscd] [ARGUMENT of `tillcard demo`...]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

runner=()
purpose=demo
for argument in "$@"; do
    if [[ $argument == --pcscd ]]; then
        runner=(scripts/with-pcscd.sh)
        purpose=reader
    fi
done
scripts/setup.sh "$purpose" >&2

# The development profile: the tests share it, and its dependencies are optimised.
export TILLCARD_BIN_DIR=$CARGO_TARGET_DIR/debug
quiet=(--quiet)
if [[ ! -x $TILLCARD_BIN_DIR/tillcard ]]; then
    say "building Tillcard and Bitcoin Core's validation engine, once: about 7 minutes on two cores"
    quiet=()
fi
cargo build --locked "${quiet[@]}" -p tillcard -p tillcard-emu --bins --features tillcard/regtest >&2

exec "${runner[@]}" "$TILLCARD_BIN_DIR/tillcard" demo "$@"
