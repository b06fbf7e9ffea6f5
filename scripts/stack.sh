#!/usr/bin/env bash
# Measures the card on a Cortex-M4, in QEMU: code, memory, the stack that each command takes, and
# the instructions of some. The card must answer there what it answers here. Writes docs/reports/size.md. Builds as
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

# Semihosting prints to standard error. With -icount the board's clock counts instructions: 16 ns
# for each. A tick of its timer is 40 ns.
run() {
    timeout 600 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none \
        -icount shift=4,sleep=off \
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

# Instructions of what lines `time` name: of a command, and of the GET RESPONSE behind it.
instructions() {
    awk -v name="$2" '/^time / { ticks = $2; sub(/^time [0-9]+ /, "") }
        $0 == name { sum += ticks } END { printf "%d", sum * 5 / 2 }' "$measured/$1"
}

# 1234567 as 1.235, in millions.
millions() { awk -v number="$1" 'BEGIN { printf "%.3f", number / 1e6 }'; }

# Names of CLA INS P1, as docs/protocol.md has them.
declare -A names=(
    [power]="power comes" [00A404]="SELECT" [00CA01]="GET DATA" [00C000]="GET RESPONSE"
    [00CABF]="GET DATA, certificates" [00DA02]="PUT DATA" [808801]="INTERNAL AUTHENTICATE, channel"
    [008800]="INTERNAL AUTHENTICATE, genuineness" [805200]="SET POLICY" [805400]="STATEMENT"
    [805600]="FACTORY RESET" [00FE00]="TERMINATE CARD USAGE" [804E00]="READ LIMITS"
    [805000]="READ ACCOUNT" [004600]="GENERATE ASYMMETRIC KEY PAIR" [801000]="ISSUE" [002000]="VERIFY"
    [008400]="GET CHALLENGE" [802000]="RECEIVE SCRIPT" [802200]="ENTER COIN, first"
    [802202]="ENTER COIN, first of a credit" [802201]="ENTER COIN, piece"
    [804800]="READ COINS, first" [804801]="READ COINS, next" [803200]="PREVIEW" [803000]="PAY"
    [803400]="REPORT ABSENT" [803600]="GET ANCESTOR" [804200]="READ LOG"
    [804400]="ACKNOWLEDGE LOG" [804600]="SET LIMITS" [804A00]="RESOLVE"
    [804000]="SIGN, first" [804001]="SIGN, piece" [804002]="SIGN, signature"
)

# A code's name; of a protected command's class, that of the plain one.
name() {
    local plain=$1 protected=
    case $1 in
        04*) plain=00${1:2} protected=", protected" ;;
        84*) plain=80${1:2} protected=", protected" ;;
    esac
    printf '%s%s' "${names[$plain]:-$plain}" "$protected"
}

# A row of the channel's table: a name, and for both levels the sums of these commands' instructions,
# plain and protected, in millions.
compare() {
    local title=$1 level plain protected command
    printf '| %s ' "$title"
    for level in 3 s; do
        plain=0 protected=0
        for command in "${@:2}"; do
            ((plain += $(instructions "$level" "plain $command")))
            ((protected += $(instructions "$level" "protected $command")))
        done
        printf '| %s | %s | +%s %% ' "$(millions "$plain")" "$(millions "$protected")" \
            "$(awk -v a="$plain" -v b="$protected" 'BEGIN { printf "%.1f", 100 * (b - a) / a }')"
    done
    printf '|\n'
}

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
        printf '| %s | %s | %s |\n' "$(name "$code")" "$depth" "$(value s "$code")"
    done
    printf '\nThe stack is painted before each command, and looked at afterwards. What a command '
    printf 'did not do in these exchanges is not in the numbers.\n'
    printf '\n## The channel\n\n'
    printf 'Millions of instructions, counted by QEMU, of the same commands to the same card, '
    printf 'plain and protected. (A Cortex-M4 takes one or two cycles for most.) '
    printf 'Opening takes %s at opt-level 3, %s at opt-level s.\n\n' \
        "$(millions "$(instructions 3 opening)")" "$(millions "$(instructions s opening)")"
    printf '| | plain, 3 | protected, 3 | more | plain, s | protected, s | more |\n'
    printf '|---|---:|---:|---:|---:|---:|---:|\n'
    compare 'GET DATA, status' "GET DATA"
    compare 'GENUINE' GENUINE
    compare 'VERIFY' VERIFY
    compare 'PREVIEW' PREVIEW
    compare 'PAY, 1 input, 2 outputs' PAY
    compare '**a payment: VERIFY, PREVIEW, PAY**' VERIFY PREVIEW PAY
    compare 'STATEMENT' STATEMENT
} >"$measured/report"
mkdir -p "$(dirname "$report")"
cp "$measured/report" "$report"
say "report written: $report"
