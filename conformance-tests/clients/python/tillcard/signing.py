"""The owner's signing of a transaction that he built himself."""

from hashlib import sha256
from typing import NamedTuple

from . import constants as C
from . import tlv
from .integers import u8, u32, u64
from .owner import Owner


class Spend(NamedTuple):
    outpoint: bytes
    sequence: int
    amount: int
    place: int


class Pay(NamedTuple):
    """An output to a place of the card, or to another script."""

    amount: int
    to: int | bytes


def start(owner: Owner, version: int, lock_time: int, inputs: list[Spend], outputs: list[Pay]) -> dict[str, bytes]:
    """Streams the transaction; the card's sums."""
    stream = b"".join(_input(each) for each in inputs) + b"".join(_output(each) for each in outputs)
    owner.command(C.SIGN, tlv.encode(C.SIGN_BODY, {
        "version": u32(version),
        "lock time": u32(lock_time),
        "inputs": u8(len(inputs)),
        "outputs": u8(len(outputs)),
        "digest": sha256(stream).digest(),
    }))
    return tlv.decode(C.SIGN_ANSWER, owner.card.pieces(C.SIGN_STREAM, stream))


def signature(owner: Owner, number: int) -> bytes:
    return owner.card.command(C.SIGN_SIGNATURE + u8(number))


def _input(spend: Spend) -> bytes:
    return spend.outpoint + u32(spend.sequence) + u64(spend.amount) + u32(spend.place)


def _output(pay: Pay) -> bytes:
    amount = u64(pay.amount)
    if isinstance(pay.to, int):
        return amount + u32(pay.to)
    return amount + C.SIGN_FOREIGN + u8(len(pay.to)) + pay.to
