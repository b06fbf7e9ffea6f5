"""Fixtures for pytest: `reader`, an empty reader for each test, and `emulator`.

pcsc-lite's library reads PCSCLITE_CSOCK_NAME once in a process, so the readers are at one socket for
the whole session, whose path is set before any test module is imported. Each test gets its reader
empty, and all cards new.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Iterator

import pytest

from ._emulator import Emulator, Reader

VARIABLE = "PCSCLITE_CSOCK_NAME"

_folder = pytest.StashKey[str]()
_before = pytest.StashKey["str | None"]()


def pytest_configure(config: pytest.Config) -> None:
    folder = tempfile.mkdtemp(prefix="tillcard-emu-")
    config.stash[_folder] = folder
    config.stash[_before] = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = os.path.join(folder, "pcscd.comm")


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(_folder, None)
    if folder is None:
        return
    before = config.stash[_before]
    if before is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = before
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def emulator_chain() -> str | None:
    """Where the cards' coins come from: override this to name a regtest node, or to give "embedded".
    Else they are invented."""
    return None


@pytest.fixture(scope="session")
def emulator_pin_pad() -> bool:
    """Whether the readers have a PIN pad: override this for `reader.type_pin`."""
    return False


@pytest.fixture(scope="session")
def emulator(
    pytestconfig: pytest.Config, emulator_chain: str | None, emulator_pin_pad: bool
) -> Iterator[Emulator]:
    """The emulator of this session. To have other readers, override this fixture."""
    socket = os.path.join(pytestconfig.stash[_folder], "pcscd.comm")
    with Emulator(socket=socket, chain=emulator_chain, pin_pad=emulator_pin_pad) as running:
        yield running


@pytest.fixture
def reader(emulator: Emulator) -> Iterator[Reader]:
    """An empty reader, and all test cards new."""
    emulator.discard_all()
    yield emulator.reader
    emulator.discard_all()
