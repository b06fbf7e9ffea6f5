#!/usr/bin/env bash
# Builds Bitcoin Core's bitcoind and bitcoin-cli, without a wallet, from the source that the crate
# libbitcoinkernel-sys carries, so that the tests meet a real node of the very version that the
# embedded chain is made of, and nothing is downloaded beyond crates.io. Built once per crate
# version into the cache folder. Prints where the two programs are, as NAME=PATH lines.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

crate=libbitcoinkernel-sys
version=$(sed -n "/^name = \"$crate\"\$/{n;s/^version = \"\(.*\)\"\$/\1/p;}" "$root/Cargo.lock")
[[ -n $version ]] || die "Cargo.lock names no $crate, whose source bitcoind is built from"

core=$cache/bitcoin-core-$version

# A distribution upgrade can take away a library that the programs were linked to: present means
# that they start.
present() {
    "$core/bin/bitcoind" -version >/dev/null 2>&1 &&
        "$core/bin/bitcoin-cli" -version >/dev/null 2>&1
}

print_paths() {
    printf 'TILLCARD_BITCOIND=%s\n' "$core/bin/bitcoind"
    printf 'TILLCARD_BITCOIN_CLI=%s\n' "$core/bin/bitcoin-cli"
}

if present; then
    print_paths
    exit
fi

mkdir -p "$cache"
exec 9>"$cache/bitcoin-core.lock"
if ! flock --nonblock 9; then
    say "another run is building bitcoind; waiting for it"
    flock 9
fi
if present; then
    print_paths
    exit
fi

# Nobody else can be building while the lock is ours: what an interrupted build left is rubbish.
rm -rf "$cache"/bitcoin-core.build.*
work=$(mktemp -d "$cache/bitcoin-core.build.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The folder where cargo keeps the crate's source; fetched first when it isn't there yet.
manifest=$(cd "$root" && cargo metadata --locked --all-features --format-version 1 |
    grep -o "\"manifest_path\":\"[^\"]*/$crate-$version/Cargo.toml\"" | cut -d'"' -f4) ||
    die "cargo could not fetch the source of $crate $version"
source=$(dirname "$manifest")/bitcoin
[[ -f $source/CMakeLists.txt ]] || die "$source holds no Bitcoin Core source"

say "building bitcoind and bitcoin-cli from $crate $version, once: about 8 minutes on two cores"
log=$cache/bitcoin-core-build.log
if ! {
    cmake -S "$source" -B "$work/build" \
        -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTS=OFF -DBUILD_BENCH=OFF -DBUILD_TX=OFF \
        -DBUILD_UTIL=OFF -DBUILD_BITCOIN_BIN=OFF -DENABLE_WALLET=OFF -DENABLE_IPC=OFF \
        -DENABLE_EXTERNAL_SIGNER=OFF -DWITH_EMBEDDED_ASMAP=OFF &&
        cmake --build "$work/build" --target bitcoind bitcoin-cli --parallel "$(nproc)"
} 2>&1 | tee "$log" |
    awk 'match($0, /^\[ *[0-9]+%\]/) {
        tens = int(substr($0, 2, 3) / 10)
        if (tens > seen) { seen = tens; print "  " tens "0 %"; fflush() }
    }' >&2; then
    tail -n 20 "$log" >&2
    die "bitcoind did not build; all that the compiler said is in $log"
fi

mkdir "$work/done" "$work/done/bin"
cp "$work/build/bin/bitcoind" "$work/build/bin/bitcoin-cli" "$work/done/bin/"
strip "$work/done/bin/"*
rm -rf "$core"
mv "$work/done" "$core"
present || die "the bitcoind just built does not start: run $core/bin/bitcoind -version"
print_paths
