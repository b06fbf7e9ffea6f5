#!/usr/bin/env bash
# Runs a tool that cargo builds, one version of it, built once into the cache folder.
#
# usage: scripts/cargo-tool.sh NAME VERSION ARGUMENT...
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

(($# >= 2)) || die "usage: scripts/cargo-tool.sh NAME VERSION ARGUMENT..."
name=$1
version=$2
shift 2
tool=$cache/tools/$name-$version

if [[ ! -x $tool/bin/$name ]]; then
    say "building $name $version, once: some minutes on two cores"
    # A target folder of its own, removed afterwards: nothing in it is of use again.
    CARGO_TARGET_DIR=$tool/target cargo install --quiet --locked --root "$tool" \
        --version "$version" "$name" >&2
    rm -rf "$tool/target"
fi

cd "$root"
exec "$tool/bin/$name" "$@"
