#!/usr/bin/env bash
# Asks the emulator's control interface at random, as its own description says it can be asked, by
# schemathesis (downloaded once into the cache folder): no answer of 5xx, none that the description
# doesn't know, each operation reached, and at least half of the answers 2xx; and without the token
# nothing but 401. The stream of events, which has no end, is asked for by itself.
#
# usage: scripts/control-api.sh [EXAMPLES for each operation]
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/schemathesis.sh
source "$root/scripts/schemathesis.sh"
cd "$root"

examples=${1:-200}
install_schemathesis
cargo build --quiet --locked -p tillcard-emu
scratch=$(mktemp --directory)
"$CARGO_TARGET_DIR/debug/tillcard-emu" --control 127.0.0.1:0 --pin-pad --json >"$scratch/told" &
emulator=$!
trap 'kill "$emulator" 2>/dev/null; rm -rf "$scratch"' EXIT
for _ in {1..100}; do
    [[ -s $scratch/told ]] && break
    sleep 0.1
done
told() { /usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["control"][sys.argv[2]])' "$scratch/told" "$1"; }
url=$(told url)
token=$(told token)

/usr/bin/python3 - "$url" <<'END' || die "without the token the answer isn't 401"
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen(sys.argv[1] + "/v1/readers")
except urllib.error.HTTPError as error:
    sys.exit(error.code != 401)
sys.exit(1)
END

# Once with a card and a reader that are there, and requests as they should be; once with what comes.
cat >"$scratch/there.toml" <<'END'
[parameters]
"path.card" = "ok"
"path.reader" = "Tillcard Emulator 00 00"
"path.label" = "before"
"query.timeout" = 5
END
cat >"$scratch/any.toml" <<'END'
[parameters]
"query.timeout" = 5
END
cd "$scratch"
said() {
    curl --silent --header "Authorization: Bearer $token" "$@" "$url$path"
}
# A card and a memory for those who ask for what is there.
path=/v1/readers/Tillcard%20Emulator%2000%2000/card
said --request PUT --json '{"card": "ok"}' >/dev/null
path=/v1/cards/ok/snapshots/before
said --request PUT
path="/v1/events?since=0"
said --max-time 1 >events || true
grep --quiet '^event: inserted$' events || die "no event of the insertion"
declare -A mode=([there]=positive [any]=all)
for config in there any; do
    schemathesis --config-file "$scratch/$config.toml" \
        run "$url/v1/openapi.json" \
        --header "Authorization: Bearer $token" --max-examples "$examples" --no-color \
        --mode "${mode[$config]}" --exclude-path /v1/events --report har --report-dir "$scratch/$config" \
        --checks not_a_server_error,status_code_conformance,content_type_conformance \
        --checks response_schema_conformance,ignored_auth
done
kill -0 "$emulator" || die "the emulator has ended"
/usr/bin/python3 - "$scratch"/there/*.json "$scratch"/any/*.json <<'END' || die "too few answers of 2xx"
import collections, json, sys
for path in sys.argv[1:]:
    entries = json.load(open(path))["log"]["entries"]
    kinds = collections.Counter(entry["response"]["status"] // 100 for entry in entries)
    share = kinds[2] / kinds.total()
    print(f"{path.split('/')[-2]}: {kinds.total()} answers, {share:.0%} of them 2xx")
    if path == sys.argv[1] and share < 0.5:
        sys.exit(1)
END
