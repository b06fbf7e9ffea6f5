#!/usr/bin/env bash
# Makes the packages, and does with them what the examples for continuous integration do, command by
# command, in a folder and a home of their own.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

export TILLCARD_PACKAGE_PROFILE=dev
scripts/package.sh tillcard-emu tillcard
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

# What a Debian package installs is there, and runs.
for package in dist/*.deb; do
    dpkg-deb --extract "$package" "$work/installed"
    dpkg-deb --field "$package" Package Version Depends
done
for program in tillcard-emu tillcard; do
    "$work/installed/usr/bin/$program" --version
done

# The commands of the jobs that test a till; the packages are there already, as from a cache.
commands() {
    /usr/bin/python3 - "$1" <<'PYTHON'
import sys, yaml

with open(sys.argv[1], encoding="utf-8") as text:
    jobs = yaml.safe_load(text)
if "jobs" in jobs:
    steps = [step for step in jobs["jobs"]["cards"]["steps"] if "run" in step and "if" not in step]
    print("\n".join(step["run"] for step in steps))
else:
    print("\n".join(jobs["cards"]["script"]))
PYTHON
}

play() {
    local example=$1 recipe=$2
    say "$recipe"
    mkdir "$work/$example"
    cp "docs/examples/$example"/* "$work/$example"
    cp -r dist "$work/$example/tillcard-dist"
    commands "docs/examples/ci/$recipe" >"$work/commands"
    local log=$work/log
    (cd "$work/$example" && env HOME="$work" bash -euxo pipefail "$work/commands") >"$log" 2>&1 || {
        cat "$log" >&2
        die "$recipe failed"
    }
    # pytest's last line, or what Node counts.
    grep -E ' passed| failed|^# (pass|fail) ' "$log"
}
play python github-actions.yml
play node gitlab-ci.yml
