#!/usr/bin/env bash
# Runs the symbolic models in docs/models, each as it stands and in each of its variants, by Verifpal,
# one version of it, built once into the cache folder. Fails where a result isn't the one that the table
# in docs/models/README.md has, and where a model, a variant or a row of the table is missing.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root/docs/models"

version=1.6.7
tool=$cache/tools/verifpal-$version

if [[ ! -x $tool/bin/verifpal ]]; then
    say "building Verifpal $version, once: about 3 minutes on two cores"
    # It names a newer compiler than it needs.
    CARGO_TARGET_DIR=$tool/target cargo install --quiet --locked --ignore-rust-version \
        --root "$tool" --version "$version" verifpal >&2
    rm -rf "$tool/target"
fi

# The names of a model's variants.
variants() {
    sed -nE 's|.* //- ||p; s|^ *//\+ ([^ ]+) .*|\1|p' "$1" | tr ' ' '\n' | sort -u
}

# A model without the lines, and with the ones, that make a variant of it.
variant() {
    awk -v name="$2" '
        match($0, / \/\/- .*/) {
            out_of = substr($0, RSTART + 5) " "
            if (index(" " out_of, " " name " ")) next
        }
        /^ *\/\/\+ / { if ($2 != name) next; sub(/\/\/\+ [^ ]+ /, "") }
        { print }' "$1"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for model in *.vp; do
    for name in - $(variants "$model"); do
        variant "$model" "$name" >"$work/model.vp"
        code=$("$tool/bin/verifpal" verify --quiet --result-code "$work/model.vp" | tail -n1)
        printf '%s %s %s\n' "${model%.vp}" "$name" "$code" | tee -a "$work/found"
    done
done

sed -nE 's/^\| ([a-z]+) \| ([a-z-]+) \| ([acefu01]+) \|.*/\1 \2 \3/p' README.md |
    sort >"$work/expected"
sort "$work/found" | diff "$work/expected" - >&2 ||
    die "the models don't give what docs/models/README.md says (<), but this (>)"
