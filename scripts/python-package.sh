#!/usr/bin/env bash
# Installs the emulator's package for Python into a folder of its own, as pip does it for a user, and
# runs its tests through pyscard. TILLCARD_EMU is the program.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
# Built from a copy: setuptools writes beside the sources.
cp -r vsmartcard-bridge/python "$folder/source"
/usr/bin/python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check \
    --no-deps --no-build-isolation --no-compile --target "$folder/packages" "$folder/source" >&2
cp -r vsmartcard-bridge/python/tests "$folder/tests"
cd "$folder/tests"
PYTHONPATH=$folder/packages PYTHONDONTWRITEBYTECODE=1 \
    /usr/bin/python3 -W error -m pytest --quiet -p no:cacheprovider .
