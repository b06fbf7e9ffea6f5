#!/usr/bin/env bash
# Asks the till's service at random, as its own description says it can be asked, by schemathesis: with a
# key that may do everything, and test cards in its readers. No answer of 5xx, none that the description
# doesn't know, each operation reached; and without the key nothing but 401. How many answers are 2xx is
# printed: the others are requests that don't fit the payment's state, or that the till must refuse.
#
# usage: scripts/till-api.sh [EXAMPLES for each operation]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/schemathesis.sh
source "$root/scripts/schemathesis.sh"
cd "$root"

examples=${1:-100}
install_schemathesis
cargo build --quiet --locked -p tillcard --all-features
tillcard=$CARGO_TARGET_DIR/debug/tillcard
scratch=$(mktemp --directory)
export XDG_DATA_HOME=$scratch
children=()
trap 'kill "${children[@]}" 2>/dev/null; wait; rm -rf "$scratch"' EXIT

# The first line that a program prints.
first_line() {
    for _ in {1..300}; do
        [[ -s $1 ]] && break
        sleep 0.1
    done
    head -n 1 "$1"
}

"$tillcard" regtest --port 0 >"$scratch/chain" &
children+=($!)
told=$(first_line "$scratch/chain")
export TILLCARD_CHAIN=${told#--chain }
key=$("$tillcard" till key new fuzzer --scope read,take,manage)
"$tillcard" till serve --listen 127.0.0.1:0 --json --test-cards --patience 2 >"$scratch/told" &
till=$!
children+=("$till")
url=$(first_line "$scratch/told" | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["url"])')
for _ in {1..100}; do
    curl --silent --fail --output /dev/null "$url/ready" && break
    sleep 0.1
done

ask() {
    curl --silent --fail -H "Authorization: Bearer $key" -H "Content-Type: application/json" "$@"
}
address=bcrt1q29g4z52329g4z52329g4z52329g4z5237w8wct
ask "$url/v1/test/readers/Test%20reader%202/present" --data '{"card": "ok"}' >"$scratch/card"
payment=$(ask "$url/v1/payments" --data "{\"amount_sat\": 1000, \"to\": \"$address\", \"reader\": \"Test reader 1\"}" |
    /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')

# Once with a payment and readers that are there, once with what comes.
cat >"$scratch/there.toml" <<END
[parameters]
"path.payment" = "$payment"
"path.reader" = "Test reader 2"
"body.card" = "ok"
"body.to" = "$address"
"body.reader" = "Test reader 2"
"body.amount_sat" = 1000
"body.merchant" = "Corner shop"
"body.reference" = "milk"
"body.expires_in_s" = 1
END
: >"$scratch/any.toml"
cd "$scratch"
for config in there any; do
    mode=all
    [[ $config == there ]] && mode=positive
    schemathesis --config-file "$scratch/$config.toml" run "$url/v1/openapi.json" \
        --header "Authorization: Bearer $key" --max-examples "$examples" --no-color \
        --mode "$mode" --exclude-path /v1/events --report vcr --report-vcr-path "$scratch/$config.yaml" \
        --checks not_a_server_error,status_code_conformance,content_type_conformance \
        --checks response_schema_conformance,ignored_auth
done
kill -0 "$till" || die "the service has ended"
/usr/bin/python3 - "$scratch/there.yaml" <<'END'
import collections, re, sys
codes = collections.Counter(re.findall(r"^ *code: '?(\d)\d\d", open(sys.argv[1]).read(), re.M))
share = codes["2"] / sum(codes.values())
print(f"{sum(codes.values())} answers, {share:.0%} of them 2xx", file=sys.stderr)
END
