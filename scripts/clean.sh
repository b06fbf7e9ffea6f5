#!/usr/bin/env bash
# Removes what cargo built.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"
exec cargo clean
