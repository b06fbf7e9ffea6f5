"""The PIN."""

from . import constants as C
from .card import Card
from .errors import Refused, demand
from .status import tries_told


def block(pin: str) -> bytes:
    """ISO 9564-1 format 2."""
    demand(pin.isdecimal() and pin.isascii() and C.LEAST_PIN <= len(pin) <= C.MOST_PIN, "a PIN has 4 to 12 digits")
    nibbles = f"{C.PIN_BLOCK_FORMAT}{len(pin):X}{pin}"
    return bytes.fromhex(nibbles.ljust(2 * C.PIN_BLOCK_LENGTH, C.PIN_BLOCK_FILL))


def verify(card: Card, pin: str) -> None:
    card.command(C.VERIFY, block(pin), le=None)


def tries_left(card: Card) -> int:
    """Asks for the tries left, and uses none up."""
    _, status = card.exchange(C.VERIFY, le=None)
    tries = tries_told(status)
    if tries is None:
        raise Refused(status)
    return tries
