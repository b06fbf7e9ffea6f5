#!/usr/bin/env bash
# Runs the stages of `make test`, all of them or those named, in order. The first that fails ends
# the run. Each is a function `stage_NAME` below.
#
# usage: scripts/test.sh [STAGE...]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

all=(setup format scripts python clippy documentation dependencies bare-metal bitcoind programs
    tests fuzz reader-tests demo)

stage_setup() { scripts/setup.sh test; }

stage_format() {
    cargo fmt --all --check
    cargo fmt --check --manifest-path applet/fuzz/Cargo.toml
}

stage_scripts() { shellcheck --external-sources scripts/*.sh .ci/run; }

# The client that was written from the protocol's text, without a card.
stage_python() {
    export PYTHONDONTWRITEBYTECODE=1
    cd conformance-tests/clients/python
    /usr/bin/python3 -W error -m unittest --quiet
    /usr/bin/python3 check_constants.py
}

stage_clippy() {
    cargo clippy --quiet --locked --workspace --all-features --all-targets -- -D warnings
    # `--all-targets` leaves out the tests that only run with a reader or for a long time.
    cargo clippy --quiet --locked --workspace --all-features --test '*' -- -D warnings
}

stage_documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --workspace --all-features --no-deps
}

# Not the advisories: their database changes by the day, and a test's answer must not.
stage_dependencies() { scripts/cargo-deny.sh --all-features check licenses sources bans; }

stage_bare-metal() { scripts/bare-metal.sh; }

stage_bitcoind() { scripts/bitcoind.sh; }

stage_programs() { cargo build --quiet --locked --workspace --all-features --bins; }

stage_tests() {
    find_fixtures
    cargo test --quiet --locked --workspace --all-features
}

# A minute for each target.
stage_fuzz() { scripts/fuzz.sh; }

stage_reader-tests() {
    find_fixtures
    TILLCARD_YUBIKIT=$(scripts/yubikit.sh)
    export TILLCARD_YUBIKIT
    # One reader, so one test at a time.
    scripts/with-pcscd.sh cargo test --quiet --locked --workspace --all-features \
        --test 'pcsc*' -- --test-threads=1
}

stage_demo() {
    find_fixtures
    scripts/demo.sh --json | /usr/bin/python3 scripts/check_demo.py
}

# Tells the tests where the programs are that cargo does not tell them of.
find_fixtures() {
    local paths name path
    paths=$(scripts/bitcoind.sh)
    while IFS='=' read -r name path; do
        export "$name=$path"
    done <<<"$paths"
    export TILLCARD_BIN_DIR=$CARGO_TARGET_DIR/debug
}

# Minutes and seconds since this script began.
elapsed() { printf '%d:%02d' $((SECONDS / 60)) $((SECONDS % 60)); }

if [[ ${1-} == --inside ]]; then
    "stage_$2"
    exit
fi

stages=("$@")
((${#stages[@]})) || stages=("${all[@]}")
for stage in "${stages[@]}"; do
    declare -F "stage_$stage" >/dev/null || die "no stage $stage; there are: ${all[*]}"
done

for stage in "${stages[@]}"; do
    say "== $(elapsed) $stage"
    # A process of its own: `set -e` is off inside a function that a condition looks at.
    "${BASH_SOURCE[0]}" --inside "$stage" ||
        die "stage $stage failed after $(elapsed); alone: scripts/test.sh $stage"
done
say "== $(elapsed) all passed: ${stages[*]}"
