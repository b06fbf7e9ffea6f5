"""PREVIEW, PAY and PAYMENT STATE (sections 7.3, 7.6, 7.7, 7.9)."""

from ..choice import Plan, plan
from ..encoding import objects, require_length, tlv, u8, u32, u64
from ..hashes import double_sha256
from ..memory import CHANGE, Coin, Owned, Payment, place
from ..request import Request
from ..status import Refusal
from ..transaction import write_payment
from .again import MOST_COUNTED, give
from .call import Call, Command

SEQUENCE = 0xFFFFFFFD
AGAIN_ONLY = 1
MOST_WITHOUT_PIN = 16


def preview(card, call: Call) -> bytes:
    request = Request.parse(card, call.data)
    owned = card.require_shop_session()
    holder = card.holder()
    card.session.holder = None
    _require_same(holder, request)
    if holder.request is not None and not holder.may_preview:
        raise Refusal(0x6982)
    if _kept(owned, request.identity):
        raise Refusal(0x9412)
    planned = plan(card, request, holder.absent, by_pin=True)
    holder.request, holder.may_preview = request.encoded, False
    holder.offered = [coin.outpoint for coin in planned.coins]
    card.session.holder = holder
    return (
        tlv(0x80, u64(request.amount))
        + tlv(0x81, u64(planned.fee))
        + tlv(0x82, u64(planned.change))
        + tlv(0x83, b"".join(holder.offered))
    )


def _require_same(holder, request: Request) -> None:
    """[PAY-2]"""
    if holder.request not in (None, request.encoded):
        raise Refusal(0x6982)


def pay(card, call: Call) -> bytes:
    request = Request.parse(card, call.data)
    owned = card.require_shop_session()
    session = card.session
    holder, session.holder, session.paid = session.holder, None, None
    kept = _kept(owned, request.identity)
    if kept and kept.request == request.encoded:
        return _give_again(card, kept, holder)
    if call.p1 == AGAIN_ONLY:
        # [REC-4]
        raise Refusal(0x9412 if kept else 0x6A88)
    if holder:
        _require_same(holder, request)
    else:
        _require_allowed_without_pin(owned, request)
    if kept:
        raise Refusal(0x9412)
    planned = plan(card, request, holder.absent if holder else (), by_pin=holder is not None)
    card.random.require_healthy()
    payment = _commit(owned, request, planned, by_pin=holder is not None)
    transaction = give(card, payment)
    session.paid = payment.txid
    return transaction


def payment_state(card, call: Call) -> bytes:
    """[PST-1]"""
    require_length(call.data, 18)
    (identity,) = objects(call.data, (0x80, 16))
    kept = _kept(card.require_shop_session(), identity)
    if kept is None:
        return tlv(0x80, u8(0)) + tlv(0x81, b"")
    return tlv(0x80, u8(2 if kept.cancelled else 1)) + tlv(0x81, kept.txid)


def _kept(owned: Owned, identity: bytes) -> Payment | None:
    return next((each for each in owned.log.values() if each.identity == identity), None)


def _give_again(card, payment: Payment, holder) -> bytes:
    """[REC-1], [REC-2]"""
    if payment.cancelled or (holder is None and payment.given_again >= MOST_WITHOUT_PIN):
        raise Refusal(0x9413)
    card.random.require_healthy()
    payment.given_again = min(payment.given_again + 1, MOST_COUNTED)
    transaction = give(card, payment)
    card.session.paid = payment.txid
    return transaction


def _require_allowed_without_pin(owned: Owned, request: Request) -> None:
    """[NOP-1]"""
    limits = owned.limits
    few = owned.payments_without_pin < limits.payments_without_pin
    if not (few and request.amount <= limits.without_pin and owned.tries):
        raise Refusal(0x6982)


def _commit(owned: Owned, request: Request, planned: Plan, by_pin: bool) -> Payment:
    """[PAY-7]: all that the payment changes, in one step."""
    inputs = [(coin.txid, coin.vout, SEQUENCE, coin.amount, coin.place) for coin in planned.coins]
    outputs = [(request.amount, request.payee)]
    change = None
    if planned.change:
        change_index = owned.next_index(CHANGE)
        change_place = place(CHANGE, change_index)
        change = (planned.change, owned.account.script(change_place))
        outputs = sorted((*outputs, change))
    txid = double_sha256(write_payment(inputs, outputs))
    if planned.oldest_leaves:
        owned.forget_payment(owned.first_kept)
    payment = Payment(
        number=owned.next_number,
        request=request.encoded,
        amount=request.amount,
        rate=request.rate,
        payee=request.payee,
        identity=request.identity,
        merchant=request.merchant,
        invoice=request.invoice,
        fee=planned.fee,
        change=planned.change,
        by_pin=by_pin,
        inputs=inputs,
        outputs=outputs,
        txid=txid,
    )
    for coin in planned.coins:
        coin.spent_by = payment.number
        owned.retired.add(coin.place)
    if change:
        vout = outputs.index(change)
        owned.coins.append(Coin(txid, vout, planned.change, change_place, request.rooted))
        payment.change_outpoint = txid + u32(vout)
        owned.above[CHANGE] = change_index + 1
    owned.log[payment.number] = payment
    owned.next_number += 1
    owned.debited += request.amount + planned.fee
    owned.payments += 1
    owned.payments_without_pin += not by_pin
    return payment


COMMANDS = {
    b"\x80\x32": Command(preview),
    b"\x80\x30": Command(pay, p1=(0, AGAIN_ONLY)),
    b"\x80\x38": Command(payment_state),
}
