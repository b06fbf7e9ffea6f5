#!/usr/bin/env bash
# Measures the card on a Cortex-M4, in QEMU: code, memory, and the stack that each command takes.
# The card must answer there what it answers here. Writes docs/reports/size.md. Builds as
# scripts/bare-metal.sh does, with Debian's compiler; rustup's linker puts the program together.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

[[ -x /usr/bin/cargo && -x /usr/bin/rustc ]] ||
    die "Debian's cargo and rustc are missing; run: scripts/setup.sh test"
command -v qemu-system-arm >/dev/null ||
    die "QEMU for Arm is missing; run: apt-get install qemu-system-arm"
linker=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/rust-lld
[[ -x $linker ]] || die "rustup's rust-lld is missing: $linker"

target=thumbv7em-none-eabi
build() {
    env -u RUSTUP_TOOLCHAIN PATH=/usr/bin:/bin RUSTC_BOOTSTRAP=1 \
        CARGO_TARGET_DIR="$CARGO_TARGET_DIR/stack" \
        CARGO_TARGET_THUMBV7EM_NONE_EABI_LINKER="$linker" \
        CARGO_PROFILE_RELEASE_OPT_LEVEL="$1" \
        /usr/bin/cargo build --quiet --locked --release -Zbuild-std=core --target "$target" \
        --manifest-path applet/stack/Cargo.toml
}

# Semihosting prints to standard error.
run() {
    timeout 600 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none \
        -semihosting-config enable=on,target=native \
        -kernel "$CARGO_TARGET_DIR/stack/$target/release/tillcard-applet-stack" 2>&1
}

measured=$(mktemp -d)
trap 'rm -rf "$measured"' EXIT
for level in 3 s; do
    build "$level"
    run >"$measured/$level" || die "the card on the Cortex-M4: $(tail -n 1 "$measured/$level")"
done

# The value of a line in a measurement.
value() { sed -n "s/^$2 //p" "$measured/$1"; }

# Names of CLA INS P1, as docs/protocol.md has them.
declare -A names=(
    [power]="power comes" [00A404]="SELECT" [00CA01]="GET DATA" [00C000]="GET RESPONSE"
    [004600]="GENERATE ASYMMETRIC KEY PAIR" [801000]="ISSUE" [002000]="VERIFY"
    [008400]="GET CHALLENGE" [802000]="RECEIVE SCRIPT" [802200]="ENTER COIN, first"
    [802202]="ENTER COIN, first of a credit" [802201]="ENTER COIN, piece"
    [804800]="READ COINS, first" [804801]="READ COINS, next" [803200]="PREVIEW" [803000]="PAY"
    [803400]="REPORT ABSENT" [803600]="GET ANCESTOR" [804200]="READ LOG"
    [804400]="ACKNOWLEDGE LOG" [804600]="SET LIMITS" [804A00]="RESOLVE"
    [804000]="SIGN, first" [804001]="SIGN, piece" [804002]="SIGN, signature"
)

report=docs/reports/size.md
{
    printf '# The card on a Cortex-M4\n\n'
    printf "Made by \`scripts/stack.sh\`.\n\n"
    printf -- '- date: %s\n' "$(date --utc +%Y-%m-%d)"
    printf -- '- commit: %s\n' "$(git describe --always --dirty --abbrev=12)"
    printf -- '- compiler: %s, %s\n' "$(/usr/bin/rustc --version | cut -d' ' -f1,2)" "$target"
    printf -- "- board: QEMU's mps2-an386, %s\n" "$(qemu-system-arm --version | head -n 1)"
    printf '\n%s exchanges gave the same answers, byte for byte, as on the PC that built the program: ' \
        "$(value 3 exchanges)"
    printf 'a payment of 16 inputs, a signing of 128 inputs and 64 outputs, and all other commands.\n\n'
    printf '| bytes | fastest (opt-level 3) | smallest (opt-level s) |\n|---|---:|---:|\n'
    printf '| program, code and constants, with the few hundred bytes that measure | %s | %s |\n' \
        "$(value 3 program)" "$(value s program)"
    printf '| the card in memory: volatile state, answer, journal index, and a ChaCha20 generator | %s | %s |\n' \
        "$(value 3 card)" "$(value s card)"
    printf '| a response APDU, which the caller keeps | %s | %s |\n' \
        "$(value 3 response)" "$(value s response)"
    printf '\nStack, at most:\n\n| command | opt-level 3 | opt-level s |\n|---|---:|---:|\n'
    grep -E '^([0-9A-F]{6}|power) ' "$measured/3" | sort -k2,2nr | while read -r code depth; do
        printf '| %s | %s | %s |\n' "${names[$code]:-$code}" "$depth" "$(value s "$code")"
    done
    printf '\nThe stack is painted before each command, and looked at afterwards. What a command '
    printf 'did not do in these exchanges is not in the numbers.\n'
} >"$measured/report"
mkdir -p "$(dirname "$report")"
cp "$measured/report" "$report"
say "report written: $report"
