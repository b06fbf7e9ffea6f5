# A till's service with test cards, on a chain of its own; sourced after common.sh, never run. It ends
# with the script, and so does its folder.
# shellcheck shell=bash

# The first line that a program prints.
first_line() {
    for _ in {1..300}; do
        [[ -s $1 ]] && break
        sleep 0.1
    done
    head -n 1 "$1"
}

# Starts chain and service, which gets more arguments. Gives $scratch, $till_url, $till_key, which may
# do everything, and $till_process.
start_till() {
    tillcard=$CARGO_TARGET_DIR/debug/tillcard
    scratch=$(mktemp --directory)
    export XDG_DATA_HOME=$scratch
    children=()
    trap 'kill "${children[@]}" 2>/dev/null; wait; rm -rf "$scratch"' EXIT
    "$tillcard" regtest --port 0 >"$scratch/chain" &
    children+=($!)
    TILLCARD_CHAIN=$(first_line "$scratch/chain")
    export TILLCARD_CHAIN=${TILLCARD_CHAIN#--chain }
    till_key=$("$tillcard" till key new test --scope read,take,refund,manage)
    "$tillcard" till serve --listen 127.0.0.1:0 --json --test-cards "$@" >"$scratch/told" &
    till_process=$!
    children+=("$till_process")
    till_url=$(first_line "$scratch/told" | json url)
    for _ in {1..100}; do
        curl --silent --fail --output /dev/null "$till_url/ready" && break
        sleep 0.1
    done
}

# Asks the service, with a path and curl's arguments.
ask() {
    curl --silent --fail -H "Authorization: Bearer $till_key" -H "Content-Type: application/json" \
        "$till_url$1" "${@:2}"
}

# A field of the JSON on standard input; several names lead to one inside others.
json() {
    /usr/bin/python3 -c 'import functools, json, sys
print(functools.reduce(lambda value, name: value[name], sys.argv[1:], json.load(sys.stdin)))' "$@"
}
