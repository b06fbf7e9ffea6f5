"""A kept payment's transaction; REPORT ABSENT and GET ANCESTOR (section 7.5)."""

from ..encoding import objects, require_length
from ..memory import Owned, Payment
from ..session import Holder
from ..status import Refusal
from ..transaction import write_payment
from .call import Call, Command

MOST_REPORTS = 4
MOST_COUNTED = 255


def give(card, payment: Payment) -> bytes:
    """The signed transaction of a payment that the log keeps."""
    account = card.memory.owned.account
    hashes = account.sighashes(2, 0, payment.inputs, payment.outputs)
    places = [place for *_, place in payment.inputs]
    signatures = [sign(card, place, message) for place, message in zip(places, hashes)]
    return write_payment(payment.inputs, payment.outputs, signatures)


def sign(card, place: int, message: bytes) -> bytes:
    signature = card.memory.owned.account.sign(place, message, card.auxiliary_randomness())
    if signature is None:
        raise Refusal(0x6400)
    return signature


def _offering_holder(card) -> Holder:
    holder = card.holder()
    if holder.request is None:
        raise Refusal(0x6985)
    return holder


def report_absent(card, call: Call) -> bytes:
    """[ABS-1]"""
    require_length(call.data, 38)
    (outpoint,) = objects(call.data, (0x80, 36))
    owned = card.require_shop_session()
    holder = _offering_holder(card)
    if outpoint not in holder.offered:
        raise Refusal(0x9414)
    if len(holder.absent) >= MOST_REPORTS:
        raise Refusal(0x9415)
    owned.coin(outpoint).doubtful = True
    holder.absent.add(outpoint)
    holder.offered.remove(outpoint)
    holder.may_preview = True
    return b""


def get_ancestor(card, call: Call) -> bytes:
    """[ANC-1], [ANC-2]"""
    require_length(call.data, 34)
    (txid,) = objects(call.data, (0x80, 32))
    owned = card.require_shop_session()
    holder = _offering_holder(card)
    payment = _ancestors(owned, holder).get(txid)
    if payment is None:
        raise Refusal(0x6A88)
    if payment.cancelled or txid in holder.given:
        raise Refusal(0x9413)
    card.random.require_healthy()
    holder.given.add(txid)
    payment.given_as_ancestor = min(payment.given_as_ancestor + 1, MOST_COUNTED)
    return give(card, payment)


def _ancestors(owned: Owned, holder: Holder) -> dict[bytes, Payment]:
    """The kept payments from which the offered coins come, by txid."""
    kept = {payment.txid: payment for payment in owned.log.values()}
    found, open_ends = {}, [outpoint[:32] for outpoint in holder.offered]
    while open_ends:
        txid = open_ends.pop()
        if txid in kept and txid not in found:
            found[txid] = kept[txid]
            open_ends += [spent for spent, *_ in kept[txid].inputs]
    return found


COMMANDS = {
    b"\x80\x34": Command(report_absent),
    b"\x80\x36": Command(get_ancestor),
}
