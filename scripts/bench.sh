#!/usr/bin/env bash
# Runs the benchmarks, with the reader there for those that measure through it.
#
# usage: scripts/bench.sh [ARGUMENT of `cargo bench`...]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

scripts/setup.sh reader
exec scripts/with-pcscd.sh cargo bench --locked --workspace --all-features --benches "$@"
