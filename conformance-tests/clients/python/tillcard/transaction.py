"""Bitcoin transactions: reading, txid, and BIP341's digest to sign."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from . import constants as C
from . import standards as S
from .crypto import tagged_hash
from .errors import demand
from .integers import u32


class Input(NamedTuple):
    txid: bytes
    vout: int
    sequence: int
    script: bytes = b""
    witness: tuple[bytes, ...] = ()

    @property
    def outpoint(self) -> bytes:
        """As a data object has it, with a big-endian vout."""
        return self.txid + u32(self.vout)


class Output(NamedTuple):
    amount: int
    script: bytes


class Transaction(NamedTuple):
    version: int
    inputs: list[Input]
    outputs: list[Output]
    lock_time: int

    @classmethod
    def decode(cls, data: bytes) -> Transaction:
        """A transaction with its witness (BIP144)."""
        read = _Reader(data)
        version = read.number(4)
        demand(read.take(2) == S.SEGWIT_MARKER_AND_FLAG, "a transaction without a witness")
        inputs = [Input(read.take(C.TXID_LENGTH), read.number(4), *read.script_and_sequence()) for _ in range(read.size())]
        outputs = [Output(read.number(8), read.sized()) for _ in range(read.size())]
        witnesses = [tuple(read.sized() for _ in range(read.size())) for _ in inputs]
        lock_time = read.number(4)
        demand(read.data == b"", "bytes after a transaction's end")
        inputs = [each._replace(witness=witness) for each, witness in zip(inputs, witnesses)]
        return cls(version, inputs, outputs, lock_time)

    def encode(self) -> bytes:
        """Without the witness: what the txid is the hash of."""
        inputs = b"".join(_outpoint(each) + _sized(each.script) + _le(each.sequence, 4) for each in self.inputs)
        outputs = b"".join(_output(each) for each in self.outputs)
        counts = [_size(len(self.inputs)), _size(len(self.outputs))]
        return _le(self.version, 4) + counts[0] + inputs + counts[1] + outputs + _le(self.lock_time, 4)

    @property
    def txid(self) -> bytes:
        return sha256(sha256(self.encode()).digest()).digest()

    def digest(self, number: int, spent: list[Output]) -> bytes:
        """What the signature of an input signs, by key path and SIGHASH_DEFAULT (BIP341)."""
        return tagged_hash(
            S.SIGHASH_TAG,
            S.SIGHASH_EPOCH
            + S.SIGHASH_DEFAULT
            + _le(self.version, 4)
            + _le(self.lock_time, 4)
            + _sha256(_outpoint(each) for each in self.inputs)
            + _sha256(_le(each.amount, 8) for each in spent)
            + _sha256(_sized(each.script) for each in spent)
            + _sha256(_le(each.sequence, 4) for each in self.inputs)
            + _sha256(_output(each) for each in self.outputs)
            + S.KEY_PATH_NO_ANNEX
            + _le(number, 4),
        )


class _Reader:
    def __init__(self, data: bytes):
        self.data = data

    def take(self, length: int) -> bytes:
        demand(len(self.data) >= length, "a transaction cut short")
        taken, self.data = self.data[:length], self.data[length:]
        return taken

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")

    def size(self) -> int:
        first = self.number(1)
        return self.number(S.COMPACT_SIZES[first]) if first in S.COMPACT_SIZES else first

    def sized(self) -> bytes:
        return self.take(self.size())

    def script_and_sequence(self) -> tuple[int, bytes]:
        script = self.sized()
        return self.number(4), script


def _le(number: int, length: int) -> bytes:
    return number.to_bytes(length, "little")


def _size(count: int) -> bytes:
    for first, length in S.COMPACT_SIZES.items():
        if count < min(S.COMPACT_SIZES):
            return _le(count, 1)
        if count < 1 << 8 * length:
            return _le(first, 1) + _le(count, length)
    raise OverflowError


def _sized(data: bytes) -> bytes:
    return _size(len(data)) + data


def _outpoint(spender: Input) -> bytes:
    return spender.txid + _le(spender.vout, 4)


def _output(output: Output) -> bytes:
    return _le(output.amount, 8) + _sized(output.script)


def _sha256(parts) -> bytes:
    return sha256(b"".join(parts)).digest()
