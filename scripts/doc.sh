#!/usr/bin/env bash
# Makes the documentation: the API's by rustdoc, and the book in docs/, whose chapter of cases and
# requirements is made of the suite's catalogue. Without mdBook the chapters stay as they are, to be
# read as Markdown.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

scripts/test.sh documentation
say "the API: $CARGO_TARGET_DIR/doc/tillcard/index.html"

matrix=$(mktemp docs/conformance-matrix.XXXXXX)
trap 'rm -f "$matrix"' EXIT
cargo run --quiet --locked -p tillcard-conform -- matrix >"$matrix"
chmod 644 "$matrix"
mv "$matrix" docs/conformance-matrix.md

if command -v mdbook >/dev/null; then
    mdbook build docs
    say "the book: docs/book/index.html"
else
    say "the book: its chapters are in docs/; mdBook, which binds them, is not installed" \
        "(cargo install mdbook)"
fi
