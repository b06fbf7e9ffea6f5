#!/usr/bin/env bash
# Plays the demo on a fresh machine: installs what is missing, builds, starts pcscd if none runs.
# Standard output is the demo's alone.
#
# usage: scripts/demo.sh [ARGUMENT of `tillcard demo`...]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

scripts/setup.sh demo >&2

# The development profile: the tests share it, and its dependencies are optimised.
export TILLCARD_BIN_DIR=$CARGO_TARGET_DIR/debug
quiet=(--quiet)
if [[ ! -x $TILLCARD_BIN_DIR/tillcard ]]; then
    say "building Tillcard and Bitcoin Core's validation engine, once: about 7 minutes on two cores"
    quiet=()
fi
cargo build --locked "${quiet[@]}" -p tillcard -p tillcard-emu --bins --features tillcard/regtest >&2

exec scripts/with-pcscd.sh "$TILLCARD_BIN_DIR/tillcard" demo "$@"
