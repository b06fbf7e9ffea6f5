"""SIGN (section 8.4)."""

import hashlib

from .. import capabilities
from ..encoding import number, objects, require_length, tlv, u32, u64
from ..memory import CHANGE, INDEXES, Owned, chain_and_index
from ..rules import MOST_MONEY
from ..status import Refusal
from ..transaction import Stream, fee_at, virtual_size
from .again import sign as sign_input
from .call import Call, Command

BEGIN, PIECE, SIGNATURE = 0, 1, 2
BODY = 52
MOST_INPUTS, MOST_OUTPUTS = 128, 64
LONGEST_SCRIPT = 252
NO_PLACE = 0xFFFFFFFF
WINDOWS = (10, 20)


class Signing:
    """A transaction that the owner has signed."""

    def __init__(self, owned: Owned, version: int, lock_time: int, inputs: int, outputs: int, digest: bytes):
        self.version, self.lock_time, self.digest = version, lock_time, digest
        self.inputs, self.outputs, self.above_change = [], [], 0
        self.hash = hashlib.sha256()
        self.stream = Stream(self._read(owned, inputs, outputs))
        self.hashes = None

    def _read(self, owned: Owned, inputs: int, outputs: int):
        """Takes the stream in, and gives the sums of inputs, own outputs and other outputs."""
        total = own = other = 0
        for _ in range(inputs):
            item = yield 52
            txid, vout, sequence, amount, where = (
                item[:32], number(item[32:36]), number(item[36:40]), number(item[40:48]), number(item[48:])
            )
            total += amount
            if chain_and_index(where)[1] >= INDEXES or total > MOST_MONEY:
                raise Refusal(0x6A80)
            if where in owned.pledged:
                raise Refusal(0x9416)
            known = owned.coin(item[:36])
            if known and (known.place, known.amount) != (where, amount):
                raise Refusal(0x6A80)
            self.inputs.append((txid, vout, sequence, amount, where))
        for _ in range(outputs):
            head = yield 12
            amount, where = number(head[:8]), number(head[8:])
            if where == NO_PLACE:
                length = (yield 1)[0]
                if not 1 <= length <= LONGEST_SCRIPT:
                    raise Refusal(0x6A80)
                other += amount
            else:
                chain, index = chain_and_index(where)
                if index >= min(INDEXES, owned.next_index(chain) + WINDOWS[chain]):
                    raise Refusal(0x6A80)
                own += amount
                if chain == CHANGE:
                    self.above_change = max(self.above_change, index + 1)
            if max(own, other) > MOST_MONEY:
                raise Refusal(0x6A80)
            script = (yield length) if where == NO_PLACE else owned.account.script(where)
            self.outputs.append((amount, script))
        return total, own, other


def sign(card, call: Call) -> bytes:
    if call.p1 == BEGIN:
        return _begin(card, call)
    return (_take_piece if call.p1 == PIECE else _give_signature)(card, call)


def _begin(card, call: Call) -> bytes:
    _require_p2(call, call.p2 == 0)
    fields = objects(call.body(BODY), (0x80, 4), (0x81, 4), (0x82, 1), (0x83, 1), (0x84, 32))
    owned, _ = call.require_owner(card)
    version, lock_time, inputs, outputs = map(number, fields[:4])
    if not (1 <= version <= 3 and 1 <= inputs <= MOST_INPUTS and 1 <= outputs <= MOST_OUTPUTS):
        raise Refusal(0x6A80)
    card.session.under_way = Signing(owned, version, lock_time, inputs, outputs, fields[4])
    return b""


def _take_piece(card, call: Call) -> bytes:
    _require_p2(call, call.p2 == 0)
    if not call.data:
        raise Refusal(0x6700)
    owned, signing = card.owned(), call.under_way
    if not isinstance(signing, Signing) or signing.stream.is_complete:
        raise Refusal(0x6985)
    signing.stream.take(call.data)
    signing.hash.update(call.data)
    card.session.under_way = signing
    if not signing.stream.is_complete:
        return b""
    card.session.under_way = None
    total, own, other = signing.stream.result
    fee = total - own - other
    if fee < 0:
        raise Refusal(0x6A80)
    if signing.hash.digest() != signing.digest:
        raise Refusal(0x940A)
    if fee > owned.limits.fee_cap:
        raise Refusal(0x9406)
    size = virtual_size(len(signing.inputs), [len(script) for _, script in signing.outputs])
    if fee > fee_at(owned.limits.highest_rate, size):
        raise Refusal(0x9405)
    card.session.under_way = signing
    return b"".join(tlv(0x80 + i, u64(value)) for i, value in enumerate((total, own, other, fee)))


def _give_signature(card, call: Call) -> bytes:
    signing = call.under_way
    is_complete = isinstance(signing, Signing) and signing.stream.is_complete
    _require_p2(call, call.p2 < (len(signing.inputs) if is_complete else MOST_INPUTS))
    require_length(call.data, 0)
    owned = card.owned()
    if not is_complete:
        raise Refusal(0x6985)
    card.random.require_healthy()
    if signing.hashes is None:
        _commit(card, owned, signing)
    card.session.under_way = signing
    *_, place = signing.inputs[call.p2]
    return sign_input(card, place, signing.hashes[call.p2])


def _commit(card, owned: Owned, signing: Signing) -> None:
    """[SGN-3]"""
    outpoints = {txid + u32(vout) for txid, vout, *_ in signing.inputs}
    gone = {coin.outpoint for coin in owned.coins if coin.spent_by is None and coin.outpoint in outpoints}
    owned.coins = [coin for coin in owned.coins if coin.outpoint not in gone]
    card.session.withdraw(gone)
    owned.retired.update(place for *_, place in signing.inputs)
    owned.above[CHANGE] = max(owned.above[CHANGE], signing.above_change)
    for payment in owned.log.values():
        payment.signed_against |= any(txid + u32(vout) in outpoints for txid, vout, *_ in payment.inputs)
    account = owned.account
    signing.hashes = account.sighashes(signing.version, signing.lock_time, signing.inputs, signing.outputs)


def _require_p2(call: Call, is_right: bool) -> None:
    if not is_right:
        raise Refusal(0x6A86)


ANY = tuple(range(256))
COMMANDS = {b"\x80\x40": Command(sign, (BEGIN, PIECE, SIGNATURE), ANY, needs=capabilities.SIGNING)}
