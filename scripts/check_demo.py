"""Checks what `tillcard demo --json` says on standard output: one JSON object, nothing else, in
which the whole story went as told.

usage: tillcard demo --json | check_demo.py BEGINNING-OF-THE-READER-S-NAME
"""

import json
import re
import sys

# What has to be said for the story to have happened, in this order.
WORDS = ["wrong-pin", "settled", "blocked", "declined"]
FEWEST_STEPS = 9


def problems(report, reader):
    steps = report.get("steps", [])
    if len(steps) < FEWEST_STEPS:
        yield f"{len(steps)} steps; the story has at least {FEWEST_STEPS}"
    names = [step.get("name") for step in steps]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        yield f"steps without a name of their own: {names}"
    for step in steps:
        if step.get("ok") is not True:
            yield f"step {step.get('name')} is not ok: {step}"
        taken = step.get("milliseconds")
        if not isinstance(taken, (int, float)) or isinstance(taken, bool) or taken < 0:
            yield f"step {step.get('name')} took {taken} milliseconds"

    told = json.dumps(steps)
    places = [told.find(f'"{word}"') for word in WORDS]
    if -1 in places or places != sorted(places):
        yield f"the steps do not say {', '.join(WORDS)} in this order: found at {places}"

    if not str(report.get("reader", "")).startswith(reader):
        yield f"reader: {report.get('reader')}"
    # ISO/IEC 7816-3 §8.1: an ATR starts with TS and has at most 33 bytes.
    if not re.fullmatch(r"3[BbFf]([0-9A-Fa-f]{2}){1,32}", str(report.get("atr", ""))):
        yield f"ATR: {report.get('atr')}"
    apdus = report.get("apdus", {})
    if not apdus.get("host") or apdus.get("host") != apdus.get("card"):
        yield f"APDUs that the host and the card counted: {apdus}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    reader = sys.argv[1]
    text = sys.stdin.read()
    try:
        report = json.loads(text)
    except json.JSONDecodeError as error:
        sys.exit(f"error: not one JSON object: {error}; it begins {text[:200]!r}")
    found = list(problems(report, reader))
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        sys.exit("error: the demo did not play as told")
    print(f"{len(report['steps'])} steps, all as told", file=sys.stderr)


main()
