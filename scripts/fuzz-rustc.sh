#!/usr/bin/env bash
# rustc as scripts/fuzz.sh has cargo call it: coverage counters for the card and what is done with
# it, none for the libraries below. What curve arithmetic compares would be most of what the fuzzer
# sees, and two thirds of the time.
#
# usage: scripts/fuzz-rustc.sh RUSTC [ARGUMENT...]
set -euo pipefail

arguments=()
for argument; do
    case ${CARGO_PKG_NAME:-}:$argument in
        tillcard-*) arguments+=("$argument") ;;
        *:-Cpasses=sancov-module | *:-Cllvm-args=-sanitizer-coverage-*) ;;
        *) arguments+=("$argument") ;;
    esac
done
exec "${arguments[@]}"
