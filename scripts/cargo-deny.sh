#!/usr/bin/env bash
# Runs cargo-deny, one version of it, built once into the cache folder.
#
# usage: scripts/cargo-deny.sh ARGUMENT...
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

version=0.20.2
tool=$cache/tools/cargo-deny-$version

if [[ ! -x $tool/bin/cargo-deny ]]; then
    say "building cargo-deny $version, once: about 5 minutes on two cores"
    # A target folder of its own, removed afterwards: nothing in it is of use again.
    CARGO_TARGET_DIR=$tool/target cargo install --quiet --locked --root "$tool" \
        --version "$version" cargo-deny >&2
    rm -rf "$tool/target"
fi

cd "$root"
exec "$tool/bin/cargo-deny" "$@"
