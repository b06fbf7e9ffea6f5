"""What the manufacturer does: the card's own keys, and certificates for them."""

from . import constants as C
from . import tlv
from .card import Card
from .errors import demand
from .fields import split
from .integers import u8


def generate_keys(card: Card) -> dict[str, bytes]:
    """The card draws identity key and agreement key anew."""
    return tlv.decode(C.OWN_KEYS, card.command(C.GENERATE_OWN))


def store(card: Card, batch: bytes, identity_key: bytes, agreement_key: bytes) -> None:
    """Stores the certificates (DER) of the batch and of the card's two keys."""
    most = C.LAST_OF_BATCH - C.OF_BATCH + 1
    for first, der in [(C.OF_BATCH, batch), (C.OF_IDENTITY_KEY, identity_key), (C.OF_AGREEMENT_KEY, agreement_key)]:
        pieces = split(der, C.MOST_PIECE)
        fits = 1 <= len(pieces) <= most
        demand(fits, f"a certificate of {len(der)} bytes doesn't fit into {most} pieces of {C.MOST_PIECE}")
        for number, piece in enumerate(pieces):
            card.command(C.PUT_DATA + u8(first + number), piece, le=None)


def end(card: Card) -> None:
    """Ends the personalisation for good."""
    card.command(C.END_PERSONALISATION, le=None)
