#!/usr/bin/env bash
# Runs cargo-deny.
#
# usage: scripts/cargo-deny.sh ARGUMENT...
exec "$(dirname "${BASH_SOURCE[0]}")/cargo-tool.sh" cargo-deny 0.20.2 "$@"
