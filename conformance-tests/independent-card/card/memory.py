"""What survives a power cut."""

from dataclasses import dataclass, field

from .account import Account
from .encoding import u32
from .rules import Limits

RECEIVE, CHANGE = 0, 1
INDEXES = 4096


def place(chain: int, index: int) -> int:
    return chain << 31 | index


def chain_and_index(where: int) -> tuple[int, int]:
    return where >> 31, where & 0x7FFFFFFF


@dataclass
class Coin:
    """A coin of the card (section 6)."""

    txid: bytes
    vout: int
    amount: int
    place: int
    rooted: bool
    doubtful: bool = False
    spent_by: int | None = None

    @property
    def outpoint(self) -> bytes:
        return self.txid + u32(self.vout)


@dataclass
class Payment:
    """A payment that the log keeps (section 8.1)."""

    number: int
    request: bytes
    amount: int
    rate: int
    payee: bytes
    identity: bytes
    merchant: bytes
    invoice: bytes
    fee: int
    change: int
    by_pin: bool
    inputs: list
    outputs: list
    txid: bytes
    change_outpoint: bytes | None = None
    cancelled: bool = False
    given_again: int = 0
    given_as_ancestor: int = 0
    signed_against: bool = False


@dataclass
class Owned:
    """What FACTORY RESET forgets."""

    account: Account
    network: int
    provenance: int
    owner_key: bytes
    pin: bytes
    limits: Limits
    policy: int
    tries: int = 3
    coins: list[Coin] = field(default_factory=list)
    log: dict[int, Payment] = field(default_factory=dict)
    # One above the highest receive index of a coin of the owner's, and the highest change index.
    above: list[int] = field(default_factory=lambda: [0, 0])
    retired: set[int] = field(default_factory=set)
    pledged: set[int] = field(default_factory=set)
    first_kept: int = 0
    first_unseen: int = 0
    next_number: int = 0
    limits_since: int = 0
    debited: int = 0
    payments: int = 0
    payments_without_pin: int = 0

    def coin(self, outpoint: bytes) -> Coin | None:
        return next((coin for coin in self.coins if coin.outpoint == outpoint), None)

    def next_index(self, chain: int) -> int:
        """[RCV-1], [TX-4]: INDEXES when none is left."""
        indexes = range(self.above[chain], INDEXES)
        return next((index for index in indexes if place(chain, index) not in self.retired), INDEXES)

    def has_rooted_at(self, where: int) -> bool:
        return any(coin.place == where and coin.rooted and coin.spent_by is None for coin in self.coins)

    def unrooted(self) -> int:
        return sum(not coin.rooted and coin.spent_by is None for coin in self.coins)

    def forget_payment(self, payment: int) -> None:
        """The log keeps it, and the coins that it spent, no longer."""
        self.log.pop(payment, None)
        self.coins = [coin for coin in self.coins if coin.spent_by != payment]
        self.first_kept = payment + 1


FACTORY, ISSUED, TERMINATED = 0, 1, 2


@dataclass
class Memory:
    """All of it."""

    state: int = FACTORY
    identity_key: int | None = None
    agreement_key: int | None = None
    certificates: dict[int, bytes] = field(default_factory=dict)
    personalised: bool = False
    owned: Owned | None = None
