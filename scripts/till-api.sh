#!/usr/bin/env bash
# Asks the till's service at random, as its own description says it can be asked, by schemathesis: with a
# key that may do everything, and test cards in its readers. No answer of 5xx, none that the description
# doesn't know, and without the key nothing but 401. Where the requests are as they should be, and about
# what is there (till_api_hooks.py), each operation is done, and at least half of the answers are 2xx.
#
# usage: scripts/till-api.sh [EXAMPLES for each operation]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/schemathesis.sh
source "$root/scripts/schemathesis.sh"
# shellcheck source=scripts/till-service.sh
source "$root/scripts/till-service.sh"
cd "$root"

examples=${1:-100}
install_schemathesis
cargo build --quiet --locked -p tillcard --all-features
start_till --patience 2 --descriptor 'tr(tpubD6NzVbkrYhZ4XHndKkuB8FifXm8r5FQHwrN6oZuWCz13qb93rtgKvD4PQsqC4HP4yhV3tA2fqr2RbY5mNXfM7RxXUoeABoDtsFUq2zJq6YK/0/*)'

export TILLCARD_URL=$till_url TILLCARD_KEY=$till_key TILLCARD_ANSWERS=$scratch/answers TILLCARD_PROGRAM=$tillcard
printf 'hooks = "%s"\n' "$root/scripts/till_api_hooks.py" >"$scratch/there.toml"
: >"$scratch/any.toml"
cd "$scratch"
fuzz() {
    schemathesis --config-file "$scratch/$1.toml" run "$till_url/v1/openapi.json" \
        --header "Authorization: Bearer $till_key" --max-examples "$2" --no-color \
        --mode "$3" --exclude-path /v1/events \
        --checks not_a_server_error,status_code_conformance,content_type_conformance \
        --checks response_schema_conformance,ignored_auth "${@:4}"
}
export PYTHONDONTWRITEBYTECODE=1
fuzz there "$((examples / 4 + 1))" positive --phases examples,fuzzing
fuzz any "$examples" all
kill -0 "$till_process" || die "the service has ended"
curl --silent "$till_url/v1/openapi.json" | /usr/bin/python3 -c '
import collections, json, sys
answers = [line.split() for line in open(sys.argv[1])]
good = collections.Counter(operation for operation, status in answers if status[0] == "2")
paths = json.load(sys.stdin)["paths"]
names = {operation["operationId"] for path in paths.values() for operation in path.values()}
# Nobody here has the keys by which a refund is signed.
missed = names - {"stream_events", "submit_signed_refund"} - set(good)
share = sum(good.values()) / len(answers)
print(f"{len(answers)} answers, {share:.0%} of them 2xx", file=sys.stderr)
sys.exit(f"never done: {missed}" if missed else "too few are 2xx" if share < 0.5 else 0)' "$TILLCARD_ANSWERS"
