#!/usr/bin/env bash
# Runs stages of the checks, in order; the first that fails ends the run. `lint` and `test` are sets
# of stages, what `make lint` and `make test` run. Each stage is a function `stage_NAME` below.
#
# usage: scripts/test.sh lint|test|STAGE...
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

lint=(setup format shell clippy documentation dependencies bare-metal)
tests=(setup build side-by-side demo delivery)
others=(unit-tests python-client packages browser reader-tests fuzz)

stage_setup() { scripts/setup.sh test; }

stage_format() {
    cargo fmt --all --check
    cargo fmt --check --manifest-path applet/fuzz/Cargo.toml
    cargo fmt --check --manifest-path applet/stack/Cargo.toml
}

stage_shell() { shellcheck --external-sources scripts/*.sh .ci/run; }

stage_clippy() {
    cargo clippy --quiet --locked --workspace --all-features --all-targets -- -D warnings
    # `--all-targets` leaves out the tests that only run with a reader or for a long time.
    cargo clippy --quiet --locked --workspace --all-features --test '*' -- -D warnings
}

stage_documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --workspace --all-features --no-deps
}

# Not the advisories: their database changes by the day, and a test's answer must not. Each workspace
# needs only some of the licences that are allowed.
stage_dependencies() {
    local manifest
    for manifest in Cargo.toml applet/fuzz/Cargo.toml applet/stack/Cargo.toml; do
        scripts/cargo-deny.sh --config deny.toml --manifest-path "$manifest" \
            --all-features check --allow license-not-encountered \
            --allow license-exception-not-encountered licenses sources bans
    done
}

stage_bare-metal() { scripts/bare-metal.sh; }

# One build for all that follows: the tests, and the programs that they start, with one set of
# features. bitcoind is built beside it.
stage_build() {
    local bitcoind
    scripts/bitcoind.sh >/dev/null &
    bitcoind=$!
    cargo test --quiet --locked --workspace --all-features --no-run
    cargo test --quiet --locked --workspace --all-features --no-run --test 'pcsc*'
    wait "$bitcoind"
}

stage_unit-tests() {
    find_fixtures
    cargo test --quiet --locked --workspace --all-features
}

# The client and the card that were written from the protocol's text alone, each by itself.
stage_python-client() {
    export PYTHONDONTWRITEBYTECODE=1
    cd conformance-tests/independent-card
    /usr/bin/python3 -W error -m unittest --quiet
    cd ../clients/python
    /usr/bin/python3 -W error -m unittest --quiet
    /usr/bin/python3 check_constants.py
}

# The packages with which a test in another language uses the emulator, as they are installed; and the
# clients of the till's service.
stage_packages() {
    TILLCARD_EMU=$CARGO_TARGET_DIR/debug/tillcard-emu
    export TILLCARD_EMU
    scripts/python-package.sh
    scripts/node-package.sh
    scripts/till-clients.sh
}

# The pages, in Chromium.
stage_browser() {
    find_fixtures
    scripts/browser-tests.sh
}

stage_reader-tests() {
    find_fixtures
    TILLCARD_YUBIKIT=$(scripts/yubikit.sh)
    export TILLCARD_YUBIKIT
    # One reader, so one test at a time.
    scripts/with-pcscd.sh cargo test --quiet --locked --workspace --all-features \
        --test 'pcsc*' -- --test-threads=1
    # The same without the service, in readers of the emulator's own with the names of the virtual
    # one's; but for what tells of the service, or has tried both ways already.
    "$CARGO_TARGET_DIR/debug/tillcard-emu" --cards-from 127.0.0.1:0 --cards-from 127.0.0.1:0 \
        --reader "Virtual PCD 00 00" --reader "Virtual PCD 00 01" -- \
        cargo test --quiet --locked --package tillcard-emu --package tillcard --all-features \
        --test 'pcsc*' -- --test-threads=1 --skip demo:: --skip clients::
}

# What waits for a reader service that looks twice a second runs beside what waits for a processor.
# The output of the one is shown when the other has ended.
stage_side-by-side() {
    local log readers
    # Who can be asked for a password is here, and not in the background.
    if ((EUID != 0)) && ! pgrep -x pcscd >/dev/null; then
        sudo -v
    fi
    log=$(mktemp)
    # A process group of its own, so that all of it can be ended.
    set -m
    scripts/test.sh reader-tests >"$log" 2>&1 &
    readers=$!
    set +m
    # shellcheck disable=SC2064  # these values, now
    trap "kill -- -$readers 2>/dev/null && wait $readers; cat '$log'; rm -f '$log'" EXIT
    trap 'exit 130' INT TERM HUP
    nice scripts/test.sh unit-tests python-client packages browser
    wait "$readers"
}

stage_demo() {
    find_fixtures
    scripts/demo.sh --json | /usr/bin/python3 scripts/check_demo.py "Tillcard Emulator"
    scripts/demo.sh --pcscd --json | /usr/bin/python3 scripts/check_demo.py "Virtual PCD"
}

# Right after the demos, which have built the same programs with the same features.
stage_delivery() { scripts/package-test.sh; }

# Each target for twenty seconds: enough to see that they run; `make soak` gives them longer.
stage_fuzz() { scripts/fuzz.sh 20; }

# Tells the tests where the programs are that cargo does not tell them of.
find_fixtures() {
    local paths name path
    paths=$(scripts/bitcoind.sh)
    while IFS='=' read -r name path; do
        export "$name=$path"
    done <<<"$paths"
    export TILLCARD_BIN_DIR=$CARGO_TARGET_DIR/debug
}

# Minutes and seconds of so many seconds.
clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

if [[ ${1-} == --inside ]]; then
    "stage_$2"
    exit
fi

case "$*" in
lint) stages=("${lint[@]}") ;;
test) stages=("${tests[@]}") ;;
*) stages=("$@") ;;
esac
((${#stages[@]})) || die "usage: scripts/test.sh lint|test|STAGE...; stages:" \
    "$(printf '%s\n' "${lint[@]}" "${tests[@]}" "${others[@]}" | awk '!seen[$0]++' | paste -sd' ')"
for stage in "${stages[@]}"; do
    declare -F "stage_$stage" >/dev/null || die "no stage $stage; call this without one for a list"
done

took=()
for stage in "${stages[@]}"; do
    say "== $(clock $SECONDS) $stage"
    began=$SECONDS
    # A process of its own: `set -e` is off inside a function that a condition looks at.
    "${BASH_SOURCE[0]}" --inside "$stage" ||
        die "stage $stage failed after $(clock $SECONDS); alone: scripts/test.sh $stage"
    took+=("$stage $(clock $((SECONDS - began)))")
done
say "== $(clock $SECONDS) all passed: $(printf '%s, ' "${took[@]}" | sed 's/, $//')"
