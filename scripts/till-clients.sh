#!/usr/bin/env bash
# Makes the client libraries of the till's service, for Python and TypeScript, of its own description,
# and has the vending machines of host-client/clients pay with them: by test cards, on a chain of its
# own. The receiver of webhooks beside them checks signatures by the library of Standard Webhooks. The
# generators are downloaded once into the cache folder.
#
# usage: scripts/till-clients.sh
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/till-service.sh
source "$root/scripts/till-service.sh"
cd "$root"

generator=$cache/tools/openapi-python-client-0.29.1
if [[ ! -d $generator ]]; then
    say "downloading ${generator##*/}"
    mkdir -p "$cache/tools"
    partial=$(mktemp --directory "$generator.XXXXXX")
    /usr/bin/python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check \
        --target "$partial" "openapi-python-client==${generator##*-}" standardwebhooks==1.1.0 >&2
    mv "$partial" "$generator"
fi

start_till --unconfirmed-up-to 21000 --descriptor 'tr(tpubD6NzVbkrYhZ4XHndKkuB8FifXm8r5FQHwrN6oZuWCz13qb93rtgKvD4PQsqC4HP4yhV3tA2fqr2RbY5mNXfM7RxXUoeABoDtsFUq2zJq6YK/0/*)'
curl --silent --fail "$till_url/v1/openapi.json" --output "$scratch/openapi.json"

# Python: its library is a package that pip installs.
export PYTHONPATH=$generator PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 -m openapi_python_client generate --path "$scratch/openapi.json" --meta setup \
    --config host-client/clients/python/config.yaml --output-path "$scratch/python" \
    --fail-on-warning >"$scratch/log" || {
    cat "$scratch/log" >&2
    die "no library for Python"
}
/usr/bin/python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check \
    --no-deps --no-build-isolation --no-compile --target "$scratch/packages" "$scratch/python" >&2
export PYTHONPATH=$generator:$scratch/packages

# TypeScript: types of the description, which the compiler holds against the example.
git ls-files -z --cached --others --exclude-standard host-client/clients/typescript |
    xargs -0 cp --parents --target-directory "$scratch"
npm=(npm --prefix "$scratch/host-client/clients/typescript" --silent)
"${npm[@]}" ci --no-audit --no-fund >&2
TILLCARD_OPENAPI=$scratch/openapi.json "${npm[@]}" run generate >&2
"${npm[@]}" run build >&2

# A port that is free.
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
TILLCARD_WEBHOOK_SECRET=$("$tillcard" till webhook new "http://127.0.0.1:$port/" --event payment.settled)
export TILLCARD_WEBHOOK_SECRET
/usr/bin/python3 -W error host-client/clients/python/receiver.py "$port" >"$scratch/events" 2>"$scratch/log" &
children+=($!)

# A customer comes with a card, and the machine says this. It may not do more than take payments.
TILLCARD_KEY=$("$tillcard" till key new vending --scope read,take)
export TILLCARD_KEY TILLCARD_URL=$till_url
reader="Test reader 1"
customer() {
    local card=$1 expected=$2 said
    ask /v1/test/readers/Test%20reader%201/present --data "{\"card\": \"$card\"}" --output /dev/null
    said=$("${@:3}" "$card-$RANDOM" "$reader" 2>&1 <<<271828) || true
    [[ $said == *"$expected"* ]] || die "${*:3}, $card: $said"
    ask /v1/test/readers/Test%20reader%201/remove --data '{}' --output /dev/null
}
customers() {
    customer ok "tray 7 opens" "$@"
    customer insufficient "declined: " "$@"
}
customers /usr/bin/python3 host-client/clients/python/vending.py
customers node "$scratch/host-client/clients/typescript/dist/examples/vending.js"

for _ in {1..100}; do
    [[ $(wc -l <"$scratch/events") -ge 2 ]] && break
    sleep 0.1
done
settled=$(ask "/v1/payments?state=settled" | /usr/bin/python3 -c 'import json, sys
for payment in reversed(json.load(sys.stdin)["payments"]): print("payment.settled", payment["id"])')
[[ $(<"$scratch/events") == "$settled" ]] || die "webhooks told: $(<"$scratch/events")"
# Who hasn't the secret is refused.
answer=$(curl --silent --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:$port/" --data '{}' \
    -H "webhook-id: 1" -H "webhook-timestamp: $(date +%s)" -H "webhook-signature: v1,AAAA")
[[ $answer == 401 ]] || die "a receiver took an event that isn't signed"
say "clients: 2 libraries, 4 payments, 2 events"
