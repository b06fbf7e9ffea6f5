"""Compares the verdicts of two conformance reports (JSON), case by case.

usage: same_verdicts.py REPORT REPORT
"""

import json
import sys


def verdicts(path):
    with open(path, encoding="utf-8") as file:
        return {case["id"]: case["verdict"] for case in json.load(file)["cases"]}


def main():
    first, second = (verdicts(path) for path in sys.argv[1:])
    # A comparison of nothing with nothing would pass.
    if len(first) < 40:
        sys.exit(f"error: {sys.argv[1]} has {len(first)} cases; the suite has at least 40")
    differing = sorted(
        case for case in first.keys() | second.keys() if first.get(case) != second.get(case)
    )
    for case in differing:
        print(f"{case}: {first.get(case)} and {second.get(case)}", file=sys.stderr)
    if differing:
        sys.exit(f"error: {len(differing)} of {len(first)} verdicts differ between the targets")
    print(f"{len(first)} cases, the same verdicts", file=sys.stderr)


main()
