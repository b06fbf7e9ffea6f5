"""The card's random source and its test (section 3.4)."""

import hashlib
import os

from .encoding import number
from .status import Refusal

TESTED = 512
MOST_RUNNING = 4
MOST_OF_FIRST = 17


class SystemSource:
    """Random bytes of the operating system."""

    def draw(self, length: int) -> bytes:
        return os.urandom(length)

    def draw_test(self) -> bytes:
        return self.draw(TESTED)


class SeededSource(SystemSource):
    """The same bytes for the same seed."""

    def __init__(self, seed: bytes):
        self._seed = seed
        self._count = 0

    def draw(self, length: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(self._seed + self._count.to_bytes(8, "big")).digest(length)


class Random:
    """A source that is tested at each power-up."""

    def __init__(self, source):
        self._source = source
        self._is_healthy = False

    def power_up(self) -> None:
        tested = self._source.draw_test()
        runs = any(byte * (MOST_RUNNING + 1) in tested for byte in (bytes([b]) for b in set(tested)))
        self._is_healthy = not runs and tested.count(tested[:1]) <= MOST_OF_FIRST

    def require_healthy(self) -> None:
        if not self._is_healthy:
            raise Refusal(0x6400)

    def draw(self, length: int) -> bytes:
        self.require_healthy()
        return self._source.draw(length)

    def draw_key(self, order: int) -> int:
        while True:
            key = number(self.draw(32))
            if 0 < key < order:
                return key
