#!/usr/bin/env bash
# Installs the Debian packages that are missing for a purpose, and checks the Rust toolchain.
# With nothing missing it changes nothing and says nothing.
#
# usage: scripts/setup.sh demo|reader|test|package
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build=(g++ cmake make libboost-dev pkg-config libpcsclite-dev)
run=(pcscd vsmartcard-vpcd)
# bitcoind's library, three foreign clients of PC/SC, what Python clients of the channel need, a
# foreign reader of certificates and one of packets, a linter of scripts, and the one Debian toolchain
# that carries the sources of `core` for the bare-metal build.
tests=(libevent-dev opensc pcsc-tools python3-pyscard python3-pytest python3-cryptography
    python3-venv python3-yaml openssl shellcheck tshark rustc-web cargo-web rust-web-src)
# What finds a program's libraries, and what packs for Python; Node as below.
packaging=(dpkg-dev xz-utils python3-pip python3-setuptools python3-wheel)
# Node from wherever it comes.
command -v node >/dev/null || packaging+=(nodejs)
command -v npm >/dev/null || packaging+=(npm)
# A browser for the tests of pages, from wherever it comes; CHROMIUM names it.
command -v "${CHROMIUM:-chromium}" >/dev/null || tests+=(chromium)
# Where Debian's toolchain is the one in use, its formatter and linter are packages too.
case $(command -v cargo) in
"" | /usr/bin/cargo) tests+=(rustfmt-web rust-web-clippy) ;;
esac

case ${1-} in
demo) wanted=("${build[@]}") ;;
reader) wanted=("${build[@]}" "${run[@]}") ;;
test) wanted=("${build[@]}" "${run[@]}" "${packaging[@]}" "${tests[@]}") ;;
package) wanted=("${build[@]}" "${packaging[@]}") ;;
*) die "usage: scripts/setup.sh demo|reader|test|package" ;;
esac

installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

toolchain_at_least() {
    [[ -n $1 && $(printf '%s\n' "$1" "$2" | sort --version-sort | head -n1) == "$2" ]]
}

# Compares what `rustc` says with what Cargo.toml asks for.
check_toolchain() {
    local wants has
    wants=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
    has=$(rustc --version 2>/dev/null | cut -d' ' -f2) || true
    if ! command -v cargo >/dev/null || ! toolchain_at_least "$has" "$wants"; then
        die "Rust $wants or newer is needed, found ${has:-none}; Debian 12 has one:" \
            "apt-get install -y cargo-web"
    fi
}

# What the tests need beyond a compiler: rustfmt and clippy of the toolchain that is in use.
check_components() {
    local missing=()
    cargo fmt --version >/dev/null 2>&1 || missing+=(rustfmt)
    cargo clippy --version >/dev/null 2>&1 || missing+=(clippy)
    ((${#missing[@]})) || return 0
    die "the tests need ${missing[*]} of the Rust toolchain in use; with rustup, run:" \
        "rustup component add ${missing[*]}"
}

install_missing() {
    local missing=() package
    for package in "${wanted[@]}"; do
        installed "$package" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0

    command -v apt-get >/dev/null ||
        die "this is not Debian; install what gives these Debian packages: ${missing[*]}"

    local install="apt-get install -y --no-install-recommends ${missing[*]}"
    local as_root=()
    if ((EUID != 0)); then
        as_root=(sudo)
        if ! command -v sudo >/dev/null; then
            die "missing packages; run as root: apt-get update && $install"
        elif ! sudo -n true 2>/dev/null && [[ ! -t 0 ]]; then
            die "missing packages; run: sudo apt-get update && sudo $install"
        fi
    fi

    say "installing Debian packages: ${missing[*]}"
    say "  (about ${minutes[$1]} on a usual connection; asks for your password when you are not root)"
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        die "the packages could not be installed; run it by hand: $install"
    fi
    rm -f "$log"

    # Debian starts a new pcscd before the virtual reader's configuration is in place, and pcscd
    # reads it at its start only. One that was here before is its owner's to restart.
    if [[ " ${missing[*]} " == *" pcscd "* && -e /run/pcscd/pcscd.pid ]]; then
        "${as_root[@]}" service pcscd restart >&2
    fi
}
declare -A minutes=([demo]="a minute" [reader]="a minute" [test]="three minutes"
    [package]="two minutes")

# The tests' packages bring a toolchain; the demo takes the one that is there, or ends at once.
[[ $1 == test ]] || check_toolchain
install_missing "$1"
[[ $1 != test ]] || { check_toolchain && check_components; }
