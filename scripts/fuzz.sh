#!/usr/bin/env bash
# Fuzzes the card with libFuzzer, on stable Rust: each target of applet/fuzz for so many seconds,
# two at a time. Before that, the committed inputs must complete payments and all else that a
# card does, or a fuzzer would never get behind them. An input that fails is kept, and named.
#
# usage: scripts/fuzz.sh [SECONDS [TARGET...]]     (default: 60, all targets)
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

seconds=${1:-60}
targets=("${@:2}")
((${#targets[@]})) || targets=(sequences channel image parsers)

cargo test --quiet --locked -p tillcard-applet --test it fuzz_corpus::

# What `cargo fuzz --sanitizer none` passes: counters and compared values for libFuzzer, whose
# C++ the crate libfuzzer-sys builds. Naming the host as the target keeps them from the programs
# that run while building.
flags=(--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
    -Clink-dead-code)
host=$(rustc -vV | sed -n 's/^host: //p')
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && printf '%s' "${flags[*]}") \
    CARGO_TARGET_DIR=$CARGO_TARGET_DIR/fuzz RUSTC_WRAPPER=$root/scripts/fuzz-rustc.sh \
    cargo build --quiet --locked --release --bins --target "$host" \
    --manifest-path applet/fuzz/Cargo.toml

fuzz() {
    local target=$1 work=$cache/fuzz/$1
    mkdir -p "$work/corpus" "$work/failures"
    # What is found goes to the first folder.
    if "$CARGO_TARGET_DIR/fuzz/$host/release/$target" "$work/corpus" "applet/fuzz/corpus/$target" \
        -artifact_prefix="$work/failures/" -dict="applet/fuzz/card.dict" -max_len=4096 \
        -max_total_time="$seconds" -timeout=20 -print_final_stats=1 >"$work/log" 2>&1; then
        say "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") runs in" \
            "$seconds s, none failed"
    else
        tail -n 40 "$work/log" >&2
        die "$target failed; $(grep -o 'Test unit written to .*' "$work/log" || echo 'no input kept')"
    fi
}

failed=0
running=()
for target in "${targets[@]}"; do
    fuzz "$target" &
    running+=($!)
    if ((${#running[@]} == 2)); then
        wait "${running[0]}" || failed=1
        running=("${running[@]:1}")
    fi
done
for process in "${running[@]}"; do
    wait "$process" || failed=1
done
exit "$failed"
