#!/usr/bin/env bash
# Runs tests of pages in Chromium (testkit/browser). The libraries are installed beside a copy of them,
# as npm does it for a user; the sources stay as they are.
#
# usage: scripts/browser-tests.sh [--screenshots FOLDER] [FOLDER WITH TESTS...]
# Without a folder, all tests *.test.js below a folder named `browser`.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
if [[ ${1-} == --screenshots ]]; then
    [[ -n ${2-} ]] || die "--screenshots FOLDER"
    SCREENSHOTS=$(realpath -m -- "$2")
    export SCREENSHOTS
    shift 2
fi
cd "$root"

mapfile -t tests < <(git ls-files --cached --others --exclude-standard \
    "${@:-*/browser/*}" | grep '\.test\.js$')
((${#tests[@]})) || die "no tests below ${*:-a folder named browser}"

folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
git ls-files -z --cached --others --exclude-standard '*/browser/*' |
    xargs -0 cp --parents --target-directory "$folder"
npm ci --prefix "$folder/testkit/browser" --no-audit --no-fund --silent >&2
cd "$folder"
log=$folder/log
node --test "${tests[@]}" >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
}
sed -n 's/^[#ℹ] \(tests\|pass\|fail\) /browser: \1 /p' "$log"
