#!/usr/bin/env bash
# Plays stories of the money model (docs/money-model.md) in the development profile: the card and
# all dependencies are optimised in it.
#
# usage: scripts/money.sh [--stories N] [--seed S] [--story K]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

scripts/setup.sh test >&2
exec cargo run --quiet --locked --package tillcard-money -- "$@"
