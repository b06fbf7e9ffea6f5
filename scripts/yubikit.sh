#!/usr/bin/env bash
# Downloads yubikit, a client of SCP11b that was written for other cards, for the test that speaks
# to ours through it: the published wheel, by its hash, once into the cache folder. Prints where
# it is.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

version=5.9.2
hash=19a1173106b104bea37722e61ce748fb2d39c87a02880c1964461837ddaa7fba
folder=$cache/tools/yubikit-$version

if [[ ! -d $folder ]]; then
    say "downloading yubikit $version"
    mkdir -p "$cache/tools"
    # What is half done stands beside, under another name.
    partial=$(mktemp --directory "$folder.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    printf 'yubikey-manager==%s --hash=sha256:%s\n' "$version" "$hash" >"$partial/wanted.txt"
    /usr/bin/python3 -m pip install --quiet --root-user-action=ignore \
        --disable-pip-version-check --no-deps --no-compile --require-hashes \
        --target "$partial/packages" --requirement "$partial/wanted.txt" >&2
    mv "$partial/packages" "$folder"
fi
printf '%s\n' "$folder"
