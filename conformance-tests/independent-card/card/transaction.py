"""Transactions: taken in piece by piece, and written (sections 6.2, 7.4 and 8.4)."""

from .encoding import compact_size, from_little, little
from .account import with_length
from .rules import MOST_MONEY
from .status import Refusal

MOST_PARTS = 100_000
LONGEST_SCRIPT = 10_000
NULL_OUTPOINT = bytes(32) + b"\xff" * 4


class Stream:
    """Bytes that come in pieces, given to a generator that yields how many it needs next."""

    def __init__(self, reader):
        self._reader, self._buffer, self._needed = reader, b"", next(reader)
        self.result = None
        self.is_complete = False

    def take(self, piece: bytes) -> None:
        """6A80 for a piece that goes on after the end, and what the reader refuses."""
        self._buffer += piece
        while not self.is_complete and len(self._buffer) >= self._needed:
            item, self._buffer = self._buffer[: self._needed], self._buffer[self._needed :]
            try:
                self._needed = self._reader.send(item)
            except StopIteration as end:
                self.is_complete, self.result = True, end.value
        if self.is_complete and self._buffer:
            raise Refusal(0x6A80)


def _count(most: int):
    """A CompactSize of at most so much, in its shortest form ([ENT-3])."""
    first = (yield 1)[0]
    if first < 0xFD:
        value = first
    else:
        length = {0xFD: 2, 0xFE: 4, 0xFF: 8}[first]
        shortest = {0xFD: 0xFD, 0xFE: 1 << 16, 0xFF: 1 << 32}[first]
        if shortest > most:
            raise Refusal(0x6A80)
        value = from_little((yield length))
        if value < shortest:
            raise Refusal(0x6A80)
    if value > most:
        raise Refusal(0x6A80)
    return value


def _count_of_some():
    value = yield from _count(MOST_PARTS)
    if not value:
        raise Refusal(0x6A80)
    return value


def read_transaction(vout: int):
    """Reads a transaction without witness: whether it is a coinbase, and its output vout or None."""
    yield 4
    is_coinbase, output, total = False, None, 0
    for _ in range((yield from _count_of_some())):
        is_coinbase |= (yield 36) == NULL_OUTPOINT
        yield (yield from _count(LONGEST_SCRIPT)) + 4
    for position in range((yield from _count_of_some())):
        amount = from_little((yield 8))
        total += amount
        if total > MOST_MONEY:
            raise Refusal(0x6A80)
        script = yield (yield from _count(LONGEST_SCRIPT))
        if position == vout:
            output = amount, script
    yield 4
    return is_coinbase, output


def write_payment(inputs, outputs, signatures=()) -> bytes:
    """Version 2, lock time 0; with witness when there are signatures ([TX-3])."""
    text = little(2, 4) + (b"\x00\x01" if signatures else b"") + compact_size(len(inputs))
    for txid, vout, sequence, _, _ in inputs:
        text += txid + little(vout, 4) + b"\x00" + little(sequence, 4)
    text += compact_size(len(outputs))
    text += b"".join(little(amount, 8) + with_length(script) for amount, script in outputs)
    text += b"".join(b"\x01" + with_length(signature) for signature in signatures)
    return text + bytes(4)


def virtual_size(inputs: int, scripts) -> int:
    """Of a transaction whose inputs are signed by key path, in vbytes (sections 7.4 and 8.4)."""
    weight = 42 + 230 * inputs + 4 * sum(9 + length for length in scripts)
    return -(-weight // 4)


def fee_at(rate: int, size: int) -> int:
    """In sat, for a rate in sat/kvB."""
    return -(-size * rate // 1000)
