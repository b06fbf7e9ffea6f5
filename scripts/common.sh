# Shared by the scripts beside it; sourced, never run.
# shellcheck shell=bash

set -euo pipefail

# The project's root, wherever the script was called from.
# shellcheck disable=SC2034  # used by the scripts that source this file
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Everything that can be made again lives here, outside the work tree.
# shellcheck disable=SC2034  # used by the scripts that source this file
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tillcard

# A clean clone finds the work of the one before it. Absolute: a benchmark runs in its own crate's
# folder, and criterion writes below this one.
CARGO_TARGET_DIR=$(realpath -m -- "${CARGO_TARGET_DIR:-$cache/target}")
export CARGO_TARGET_DIR

# Standard output belongs to a script's result, so that a caller can read it.
say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}
