"""What a till asks for (section 7.2)."""

from dataclasses import dataclass

from . import capabilities
from .encoding import number, objects
from .status import Refusal

ROOTED, UNROOTED = 0, 1
SHORTEST, LONGEST = 65, 149


@dataclass(frozen=True)
class Request:
    """A request; `encoded` is its data field."""

    encoded: bytes
    amount: int
    rate: int
    payee: bytes
    rooted: bool
    identity: bytes
    merchant: bytes
    invoice: bytes

    @classmethod
    def parse(cls, card, data: bytes) -> "Request":
        if not SHORTEST <= len(data) <= LONGEST:
            raise Refusal(0x6700)
        amount, rate, payee, source, identity, merchant, invoice = objects(
            data, (0x80, 8), (0x81, 4), (0x82, range(22, 43)), (0x83, 1), (0x84, 16), (0x85, range(33)), (0x86, (0, 32))
        )
        last = UNROOTED if card.declares(capabilities.CREDITS) else ROOTED
        if source[0] > last:
            raise Refusal(0x6A80)
        return cls(data, number(amount), number(rate), payee, source[0] == ROOTED, identity, merchant, invoice)
