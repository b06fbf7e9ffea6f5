"""A command on its way to its handler."""

from dataclasses import dataclass
from typing import Callable

from .. import secp256k1
from ..encoding import objects, require_length
from ..hashes import tagged_hash
from ..memory import Owned
from ..status import Refusal

SIGNATURE_OBJECT = 2 + 64
ANY_CARD = bytes(16)


@dataclass(frozen=True)
class Command:
    """Where a command is in the table: its handler, and which P1 and P2 it has."""

    handler: Callable
    p1: tuple = (0,)
    p2: tuple = (0,)
    # A P1 or P2 by the capability that it needs.
    needs: int | None = None
    p1_needs: tuple = ()
    p2_needs: tuple = ()

    def is_declared(self, card) -> bool:
        return self.needs is None or card.declares(self.needs)

    def require_parameters(self, card, p1: int, p2: int) -> None:
        wrong = p1 not in self.p1 or p2 not in self.p2
        for value, table in ((p1, self.p1_needs), (p2, self.p2_needs)):
            wrong |= any(value == needy and not card.declares(bit) for needy, bit in table)
        if wrong:
            raise Refusal(0x6A86)


@dataclass
class Call:
    """Header and data field of a plain command, and what was under way before it."""

    header: bytes
    data: bytes
    under_way: object = None

    @property
    def p1(self) -> int:
        return self.header[2]

    @property
    def p2(self) -> int:
        return self.header[3]

    def body(self, length: int) -> bytes:
        """The body of an owner command, whose signature object follows (section 5.2)."""
        require_length(self.data, length + SIGNATURE_OBJECT)
        (self._signature,) = objects(self.data[length:], (0x9E, 64))
        self._body = self.data[:length]
        return self._body

    def require_owner(self, card, names_card: bool = True) -> tuple[Owned, bytes]:
        """6985 unless issued, 6982 unless the owner signed this; uses the challenge up ([OWN-3])."""
        owned = card.owned()
        challenge, card.session.challenge = card.session.challenge, None
        if challenge is None:
            raise Refusal(0x6982)
        card_id = owned.account.card_id if names_card else ANY_CARD
        message = bytes([owned.network]) + card_id + card.session.name() + challenge + self.header + self._body
        if not secp256k1.verify(owned.owner_key, tagged_hash("Tillcard/owner", message), self._signature):
            raise Refusal(0x6982)
        return owned, challenge
