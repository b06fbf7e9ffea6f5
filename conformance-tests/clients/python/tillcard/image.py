"""The coin image: all coins and counters of a card."""

from typing import NamedTuple
from zlib import crc32

from . import constants as C
from . import fields
from .errors import demand
from .owner import Owner
from .scripts import place


class Coin(NamedTuple):
    txid: bytes
    vout: int
    amount: int
    place: int
    spent_by: int | None
    doubtful: bool
    unrooted: bool


class Image(NamedTuple):
    counters: dict[str, int]
    coins: list[Coin]


def read(owner: Owner) -> Image:
    data = part = owner.command(C.READ_COINS)
    while part:
        part = owner.card.command(C.READ_MORE_COINS)
        data += part
    return decode(data)


def decode(data: bytes) -> Image:
    body, crc = data[:-fields.size(C.IMAGE_TAIL)], data[-fields.size(C.IMAGE_TAIL):]
    demand(fields.decode(C.IMAGE_TAIL, crc)["CRC-32"] == crc32(body), "the coin image's CRC is wrong")
    size = fields.size(C.IMAGE_HEAD)
    counters, rest = fields.decode(C.IMAGE_HEAD, body[:size]), body[size:]
    demand(counters["image version"] == C.IMAGE_VERSION, "an unknown version of the coin image")
    coins, expected = [], {C.RECEIVE: 0, C.CHANGE: 0}
    for _ in range(counters["number of coins"]):
        coin, rest = _coin(rest, expected)
        coins.append(coin)
    demand(rest == b"", "bytes after the coins")
    return Image(counters, coins)


def _coin(data: bytes, expected: dict[int, int]) -> tuple[Coin, bytes]:
    txid, rest = data[:C.TXID_LENGTH], data[C.TXID_LENGTH:]
    d, rest = _varint(rest)
    vout, rest = _varint(rest)
    amount, rest = _varint(rest)
    zigzag, marks = divmod(d, C.COIN_INDEX)
    chain = marks // C.COIN_CHAIN
    index = expected[chain] + (-(zigzag + 1) // 2 if zigzag % 2 else zigzag // 2)
    expected[chain] = index + 1
    spent_by = None
    if marks & C.COIN_SPENT:
        spent_by, rest = _varint(rest)
    return Coin(txid, vout, amount, place(chain, index), spent_by, bool(marks & C.COIN_DOUBTFUL), bool(marks & 1)), rest


def _varint(data: bytes) -> tuple[int, bytes]:
    number = 0
    for at, byte in enumerate(data):
        number = number * C.VARINT_BASE + byte % C.VARINT_BASE
        demand(number > 0 or byte == 0, "a number with a leading zero")
        if byte < C.VARINT_BASE:
            return number, data[at + 1:]
    demand(False, "a number without an end")
