# schemathesis, downloaded once into the cache folder; sourced after common.sh, never run.
# shellcheck shell=bash

# shellcheck disable=SC2154  # cache is common.sh's
schemathesis_folder=$cache/tools/schemathesis-4.32.5

install_schemathesis() {
    [[ -d $schemathesis_folder ]] && return
    local partial version=${schemathesis_folder##*-}
    say "downloading schemathesis $version"
    mkdir -p "$cache/tools"
    partial=$(mktemp --directory "$schemathesis_folder.XXXXXX")
    /usr/bin/python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check \
        --target "$partial" "schemathesis==$version" >&2
    mv "$partial" "$schemathesis_folder"
}

schemathesis() { PYTHONPATH=$schemathesis_folder /usr/bin/python3 -m schemathesis.cli "$@"; }
