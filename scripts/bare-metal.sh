#!/usr/bin/env bash
# Builds the card for a Cortex-M4 without an operating system or an allocator. With Debian's own
# cargo and rustc: their package of sources lets `core` be built for a target whose standard
# library nobody ships, without a second toolchain to download.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

[[ -x /usr/bin/cargo && -x /usr/bin/rustc ]] ||
    die "Debian's cargo and rustc are missing; run: scripts/setup.sh test"

# -Zbuild-std is not stable yet; RUSTC_BOOTSTRAP lets a stable compiler take it.
env -u RUSTUP_TOOLCHAIN PATH=/usr/bin:/bin RUSTC_BOOTSTRAP=1 \
    CARGO_TARGET_DIR="$CARGO_TARGET_DIR/bare-metal" \
    /usr/bin/cargo build --quiet --locked --release -Zbuild-std=core \
    --target thumbv7em-none-eabi -p tillcard-applet
