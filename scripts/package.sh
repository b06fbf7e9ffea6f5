#!/usr/bin/env bash
# Builds what is given to others, into dist/: for each program a Debian package, and an archive with the
# program that runs from any folder; for the emulator also its packages for Python and Node; and a
# container file that installs the Debian packages that lie beside it. TILLCARD_PACKAGE_PROFILE=dev takes
# the programs as the tests build them.
#
# usage: scripts/package.sh [tillcard-emu|tillcard|tillcard-conform]...
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

programs=("$@")
((${#programs[@]})) || programs=(tillcard-emu tillcard tillcard-conform)
flags=()
for program in "${programs[@]}"; do
    case $program in
    tillcard) flags+=(--package "$program" --features "tillcard/regtest tillcard/test-cards") ;;
    tillcard-emu | tillcard-conform) flags+=(--package "$program") ;;
    *) die "usage: scripts/package.sh [tillcard-emu|tillcard|tillcard-conform]..." ;;
    esac
done
scripts/setup.sh package >&2

profile=${TILLCARD_PACKAGE_PROFILE:-release}
case $profile in
release) built=$CARGO_TARGET_DIR/release ;;
dev) built=$CARGO_TARGET_DIR/debug ;;
*) die "TILLCARD_PACKAGE_PROFILE is release or dev" ;;
esac
version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
# What was built before isn't mixed with what is built now.
dist=$root/dist
rm -rf "$dist"
mkdir "$dist"

# What every Debian since 12 has, or the packages name; anything else would be missing elsewhere.
usual='linux-vdso|ld-linux-x86-64|ld-linux-aarch64|libc|libm|libgcc_s|libstdc\+\+|libpcsclite'

check_libraries() {
    local strange
    strange=$(ldd "$built/$1" | awk '{print $1}' | grep -vE "^(/.*/)?($usual)\.so" || true)
    [[ -z $strange ]] || die "$1 needs libraries that other machines don't have: $strange"
}

# The emulator's packages, as `pip install` and `npm install` take them.
client_packages() {
    # Built from copies: the tools write beside the sources.
    cp -r vsmartcard-bridge/python "$work/python"
    /usr/bin/python3 -m pip wheel --quiet --disable-pip-version-check --no-deps \
        --no-build-isolation --wheel-dir "$dist" "$work/python" >&2
    git ls-files -z vsmartcard-bridge/typescript | xargs -0 cp --parents --target-directory "$work"
    (
        cd "$work/vsmartcard-bridge/typescript"
        npm ci --no-audit --no-fund --silent >&2
        npm pack --silent --pack-destination "$dist" >&2
    )
}

archive() {
    local name
    name=$1-$version-$(uname -m)-linux
    mkdir -p "$work/$name/bin"
    install --strip "$built/$1" "$work/$name/bin/$1"
    cp LICENSE-APACHE LICENSE-MIT "$work/$name"
    tar --create --xz --owner=0 --group=0 --directory "$work" --file "$dist/$name.tar.xz" "$name"
}

say "building ${programs[*]}"
cargo build --quiet --locked --profile "$profile" --bins "${flags[@]}" >&2
for program in "${programs[@]}"; do
    check_libraries "$program"
    scripts/cargo-tool.sh cargo-deb 3.8.0 --quiet --no-build --profile "$profile" \
        --package "$program" --output "$dist" >&2
    archive "$program"
    [[ $program != tillcard-emu ]] || client_packages
done
cp scripts/Containerfile "$dist"
find "$dist" -type f -printf '%s %p\n' | sort --key 2 |
    awk '{printf "%6.1f MB  %s\n", $1 / 1e6, $2}' >&2
