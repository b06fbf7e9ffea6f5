"""How coins come into the card."""

from typing import NamedTuple

from . import constants as C
from . import tlv
from .card import Card
from .integers import u32, uint
from .owner import Owner


class Receive(NamedTuple):
    index: int
    script: bytes


def receive_script(card: Card) -> Receive:
    """Where to send the next coin."""
    answer = tlv.decode(C.RECEIVE_SCRIPT_ANSWER, card.command(C.RECEIVE_SCRIPT))
    return Receive(uint(answer["index"]), answer["script"])


def enter(owner: Owner, txid: bytes, vout: int, place: int, transaction: bytes) -> int:
    """Enters a rooted coin by the transaction (without witness) that makes it; the amount."""
    names = {"txid": txid, "vout": u32(vout), "place": u32(place)}
    owner.command(C.ENTER_COIN, tlv.encode(C.ENTER_COIN_BODY, names))
    answer = tlv.decode(C.ENTER_ANSWER, owner.card.pieces(C.ENTER_PIECE, transaction))
    return uint(answer["amount"])
