"""Which coins a payment spends, at what fee, and whether the rules allow it (sections 7.3 and 7.4)."""

from dataclasses import dataclass

from .memory import CHANGE, INDEXES, RECEIVE, Coin, Owned, place
from .request import Request
from .rules import MOST_MONEY, TAPROOT_DUST, dust_of, is_printable
from .status import Refusal
from .transaction import fee_at, virtual_size

MOST_INPUTS = 16
TAPROOT_SCRIPT = 34


@dataclass(frozen=True)
class Plan:
    """What a payment will do."""

    coins: list[Coin]
    fee: int
    change: int
    oldest_leaves: bool


def plan(card, request: Request, absent, by_pin: bool) -> Plan:
    """[PAY-4], from the merchant on, in the text's order."""
    owned, limits = card.memory.owned, card.memory.owned.limits
    if not is_printable(request.merchant):
        raise Refusal(0x6A80)
    if not limits.least_rate <= request.rate <= limits.highest_rate:
        raise Refusal(0x9405)
    dust = dust_of(request.payee)
    if dust is None:
        raise Refusal(0x9408)
    if not dust <= request.amount <= MOST_MONEY:
        raise Refusal(0x9407)
    if request.amount > limits.per_payment:
        raise Refusal(0x9403)
    if owned.payments >= limits.payments:
        raise Refusal(0x9411)
    oldest_leaves = len(owned.log) >= card.most_payments
    if oldest_leaves and owned.first_kept >= owned.first_unseen:
        raise Refusal(0x9409)
    coins, fee, change = _choose(owned, request, absent)
    if fee > limits.fee_cap:
        raise Refusal(0x9406)
    if not by_pin and request.amount + fee > limits.without_pin:
        # [NOP-1]
        raise Refusal(0x6982)
    if owned.debited + request.amount + fee > limits.cumulative:
        raise Refusal(0x9404)
    leaving = sum(coin.spent_by == owned.first_kept for coin in owned.coins) if oldest_leaves else 0
    if change and (owned.next_index(CHANGE) >= INDEXES or len(owned.coins) - leaving >= card.most_coins):
        raise Refusal(0x6A84)
    if request.payee in _own_scripts(owned, coins, change):
        raise Refusal(0x9408)
    return Plan(coins, fee, change, oldest_leaves)


def _choose(owned: Owned, request: Request, absent) -> tuple[list[Coin], int, int]:
    """Coins, fee and change (section 7.4)."""

    def is_candidate(coin: Coin) -> bool:
        usable = coin.spent_by is None and coin.place not in owned.retired
        usable &= coin.rooted or not owned.has_rooted_at(coin.place)
        return usable and coin.rooted == request.rooted and coin.outpoint not in absent

    def fee_of(inputs: int, with_change: bool) -> int:
        scripts = [len(request.payee)] + [TAPROOT_SCRIPT] * with_change
        return fee_at(request.rate, virtual_size(inputs, scripts))

    candidates = sorted(
        filter(is_candidate, owned.coins), key=lambda coin: (coin.doubtful, -coin.amount, coin.txid, coin.vout)
    )
    total = 0
    for inputs, coin in enumerate(candidates[:MOST_INPUTS], 1):
        total += coin.amount
        if total >= request.amount + fee_of(inputs, False):
            rest = total - request.amount - fee_of(inputs, True)
            if rest >= TAPROOT_DUST:
                return candidates[:inputs], fee_of(inputs, True), rest
            return candidates[:inputs], total - request.amount, 0
    all_of_them = sum(coin.amount for coin in candidates)
    if len(candidates) > MOST_INPUTS and all_of_them >= request.amount + fee_of(MOST_INPUTS, False):
        raise Refusal(0x9402)
    raise Refusal(0x9401)


def _own_scripts(owned: Owned, coins: list[Coin], change: int) -> list[bytes]:
    """[PAY-10]"""
    places = [coin.place for coin in coins]
    if change:
        places.append(place(CHANGE, owned.next_index(CHANGE)))
    if owned.next_index(RECEIVE) < INDEXES:
        places.append(place(RECEIVE, owned.next_index(RECEIVE)))
    return [owned.account.script(where) for where in places]
