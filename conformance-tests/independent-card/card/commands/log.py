"""READ LOG, ACKNOWLEDGE LOG, RESOLVE (sections 8.1, 8.2, 8.5)."""

from ..encoding import number, objects, tlv, u8, u32, u64
from ..status import Refusal
from .call import Call, Command


def _kept(owned, payment: int):
    if payment not in owned.log:
        raise Refusal(0x6A88)
    return owned.log[payment]


def read_log(card, call: Call) -> bytes:
    (wanted,) = objects(call.body(6), (0x80, 4))
    owned, _ = call.require_owner(card)
    payment = _kept(owned, number(wanted))
    return (
        tlv(0x80, u32(payment.number))
        + tlv(0x81, u8(payment.cancelled))
        + tlv(0x82, payment.txid)
        + tlv(0x83, payment.payee)
        + tlv(0x84, u64(payment.amount))
        + tlv(0x85, u64(payment.fee))
        + tlv(0x86, u64(payment.change))
        + tlv(0x87, u32(payment.rate))
        + tlv(0x88, u8(not payment.by_pin))
        + tlv(0x89, payment.identity)
        + tlv(0x8A, payment.merchant)
        + tlv(0x8B, payment.invoice)
        + tlv(0x8C, b"".join(txid + u32(vout) for txid, vout, *_ in payment.inputs))
        + tlv(0x8D, u8(payment.given_again) + u8(payment.given_as_ancestor))
    )


def acknowledge_log(card, call: Call) -> bytes:
    seen, settled = map(number, objects(call.body(12), (0x80, 4), (0x81, 4)))
    owned, _ = call.require_owner(card)
    if not (owned.first_kept <= settled <= seen <= owned.next_number and seen >= owned.first_unseen):
        raise Refusal(0x6A80)
    for payment in range(owned.first_kept, settled):
        owned.forget_payment(payment)
    owned.first_unseen = seen
    return b""


def resolve(card, call: Call) -> bytes:
    (wanted,) = objects(call.body(6), (0x80, 4))
    owned, _ = call.require_owner(card)
    payment = _kept(owned, number(wanted))
    if payment.cancelled:
        raise Refusal(0x6A88)
    change = payment.change_outpoint and owned.coin(payment.change_outpoint)
    if change and change.spent_by is not None:
        if not owned.log[change.spent_by].cancelled:
            raise Refusal(0x6985)
    elif change:
        owned.coins.remove(change)
        card.session.withdraw({change.outpoint})
    payment.cancelled = True
    if payment.number >= owned.limits_since:
        owned.debited -= payment.amount + payment.fee
    return b""


COMMANDS = {
    b"\x80\x42": Command(read_log),
    b"\x80\x44": Command(acknowledge_log),
    b"\x80\x4a": Command(resolve),
}
