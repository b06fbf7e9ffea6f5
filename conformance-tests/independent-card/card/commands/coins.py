"""RECEIVE SCRIPT, ENTER COIN, READ COINS (section 6)."""

import hashlib
import zlib

from .. import capabilities
from ..encoding import base_128, number, objects, require_length, tlv, u8, u16, u32, u64
from ..hashes import sha256
from ..memory import CHANGE, INDEXES, RECEIVE, Coin, chain_and_index, place
from ..status import Refusal
from ..transaction import Stream, read_transaction
from .call import Call, Command

WINDOW = 10
CREDIT_WINDOW = 1
PART = 230
BEGIN, GO_ON, CREDIT = 0, 1, 2
ANNOUNCED = 46


def receive_script(card, call: Call) -> bytes:
    require_length(call.data, 0)
    owned = card.require_shop_session()
    card.holder()
    index = owned.next_index(RECEIVE)
    if index >= INDEXES:
        raise Refusal(0x6A84)
    return tlv(0x80, u32(index)) + tlv(0x81, owned.account.script(place(RECEIVE, index)))


class Entry:
    """A coin on its way in."""

    def __init__(self, txid: bytes, vout: int, where: int, rooted: bool):
        self.txid, self.vout, self.place, self.rooted = txid, vout, where, rooted
        self.stream, self.hash = Stream(read_transaction(vout)), hashlib.sha256()


def enter_coin(card, call: Call) -> bytes:
    if call.p1 == GO_ON:
        return _take_piece(card, call)
    rooted = call.p1 == BEGIN
    if rooted:
        announced = call.body(ANNOUNCED)
    else:
        require_length(call.data, ANNOUNCED)
        announced = call.data
    txid, vout, where = objects(announced, (0x80, 32), (0x81, 4), (0x82, 4))
    if rooted:
        owned, _ = call.require_owner(card)
    else:
        owned = card.require_shop_session()
        card.holder()
        card.session.holder = None
    where = number(where)
    _require_place(owned, where, rooted)
    known = owned.coin(txid + vout)
    if known:
        # [ENT-7]
        if not rooted or known.spent_by is not None or (known.rooted and not known.doubtful):
            raise Refusal(0x6A89)
    elif len(owned.coins) >= card.most_coins or (not rooted and owned.unrooted() >= card.most_unrooted):
        raise Refusal(0x6A84)
    card.session.under_way = Entry(txid, number(vout), where, rooted)
    return b""


def _require_place(owned, where: int, rooted: bool) -> None:
    """[ENT-2]"""
    chain, index = chain_and_index(where)
    if chain == RECEIVE:
        window = WINDOW if rooted else CREDIT_WINDOW
        given_out = index < min(INDEXES, owned.next_index(RECEIVE) + window)
    else:
        given_out = rooted and index < owned.next_index(CHANGE)
    if not rooted:
        given_out &= not owned.has_rooted_at(where)
    if not given_out:
        raise Refusal(0x9410)
    if where in owned.retired:
        raise Refusal(0x940F)


def _take_piece(card, call: Call) -> bytes:
    if not call.data:
        raise Refusal(0x6700)
    owned, entry = card.owned(), call.under_way
    if not isinstance(entry, Entry):
        raise Refusal(0x6985)
    entry.stream.take(call.data)
    entry.hash.update(call.data)
    if not entry.stream.is_complete:
        card.session.under_way = entry
        return b""
    is_coinbase, output = entry.stream.result
    if sha256(entry.hash.digest()) != entry.txid:
        raise Refusal(0x940A)
    if is_coinbase:
        raise Refusal(0x940E)
    if output is None:
        raise Refusal(0x940B)
    amount, script = output
    if script != owned.account.script(entry.place):
        raise Refusal(0x940C)
    if amount < owned.limits.least_coin:
        raise Refusal(0x940D)
    known = owned.coin(entry.txid + u32(entry.vout))
    if known:
        known.rooted, known.doubtful = True, False
    else:
        owned.coins.append(Coin(entry.txid, entry.vout, amount, entry.place, entry.rooted))
    chain, index = chain_and_index(entry.place)
    if chain == RECEIVE and entry.rooted:
        owned.above[RECEIVE] = max(owned.above[RECEIVE], index + 1)
    return tlv(0x80, u64(amount))


class Reading:
    """What is left of a coin image that is being read."""

    def __init__(self, image: bytes):
        self.left = image


def read_coins(card, call: Call) -> bytes:
    if call.p1 == BEGIN:
        call.body(0)
        owned, _ = call.require_owner(card)
        reading = Reading(coin_image(owned))
    else:
        require_length(call.data, 0)
        card.owned()
        reading = call.under_way
        if not isinstance(reading, Reading):
            raise Refusal(0x6985)
    part, reading.left = reading.left[:PART], reading.left[PART:]
    if part:
        card.session.under_way = reading
    return part


def coin_image(owned) -> bytes:
    """Section 6.4."""
    image = (
        b"\x01"
        + u32(owned.next_index(RECEIVE))
        + u32(owned.next_index(CHANGE))
        + u64(owned.debited)
        + u16(owned.payments)
        + u16(owned.payments_without_pin)
        + u32(owned.first_kept)
        + u32(owned.first_unseen)
        + u32(owned.next_number)
        + u16(len(owned.coins))
    )
    expected = [0, 0]
    for coin in owned.coins:
        chain, index = chain_and_index(coin.place)
        step, expected[chain] = index - expected[chain], index + 1
        zigzag = 2 * step if step >= 0 else -2 * step - 1
        marks = 8 * chain + 4 * (coin.spent_by is not None) + 2 * coin.doubtful + (not coin.rooted)
        image += coin.txid + base_128(16 * zigzag + marks) + base_128(coin.vout) + base_128(coin.amount)
        if coin.spent_by is not None:
            image += base_128(coin.spent_by)
    return image + u32(zlib.crc32(image))


COMMANDS = {
    b"\x80\x20": Command(receive_script),
    b"\x80\x22": Command(enter_coin, (BEGIN, GO_ON, CREDIT), p1_needs=((CREDIT, capabilities.CREDITS),)),
    b"\x80\x48": Command(read_coins, (BEGIN, GO_ON)),
}
