#!/usr/bin/env bash
# Runs the symbolic models, the long searches of the till's machine and the long tests, the test
# targets called `soak*`, and writes what they print into a report that is committed with the sources
# it was made from. The tests run in the development profile, which the other tests have built
# already: the card and all dependencies are optimised in it.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

scripts/setup.sh test
cargo build --quiet --locked --workspace --all-features --bins
while IFS='=' read -r name path; do
    export "$name=$path"
done < <(scripts/bitcoind.sh)
export TILLCARD_BIN_DIR=$CARGO_TARGET_DIR/debug

report=docs/reports/soak.md
draft=$(mktemp)
trap 'rm -f "$draft"' EXIT
{
    printf '# The last soak run\n\n'
    printf "Made by \`make soak\`.\n\n"
    printf -- '- date: %s\n' "$(date --utc +%Y-%m-%d)"
    printf -- '- commit: %s\n' "$(git describe --always --dirty --abbrev=12)"
    printf -- '- machine: %s, %s processors\n' \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n1)" "$(nproc)"
    printf -- '- compiler: %s\n\n```text\n' "$(rustc --version)"
} >"$draft"
printf 'the symbolic models, their variants and results (docs/models/README.md):\n' | tee -a "$draft"
scripts/models.sh 2>&1 | tee -a "$draft"
printf 'the control interface, asked at random (scripts/control-api.sh):\n' | tee -a "$draft"
scripts/control-api.sh 500 2>&1 | tee -a "$draft"
printf "the till's API, asked at random (scripts/till-api.sh):\n" | tee -a "$draft"
scripts/till-api.sh 2>&1 | tee -a "$draft"
printf "the till's machine, searched deeper than in the other tests (decision 34):\n" | tee -a "$draft"
cargo test --quiet --locked -p tillcard --all-features --lib \
    -- --ignored --test-threads=1 --nocapture 2>&1 | tee -a "$draft"
printf 'two hundred payments by the service, in a row:\n' | tee -a "$draft"
cargo test --quiet --locked -p tillcard --all-features --test it \
    -- --ignored --test-threads=1 --nocapture 2>&1 | tee -a "$draft"
cargo test --quiet --locked --workspace --all-features \
    --test 'soak*' -- --test-threads=1 --nocapture 2>&1 | tee -a "$draft"
scripts/with-pcscd.sh cargo test --quiet --locked -p tillcard-emu --all-features --test pcsc \
    -- --ignored --test-threads=1 --nocapture 2>&1 | tee -a "$draft"
printf '```\n' >>"$draft"
mkdir -p "$(dirname "$report")"
cp "$draft" "$report"
say "report written: $report"
