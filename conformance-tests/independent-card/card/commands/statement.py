"""STATEMENT (section 7.8)."""

from .. import capabilities
from ..encoding import objects, require_length, tlv, u8, u32
from ..status import Refusal
from .call import Call, Command
from .certificates import sign_as_card


def statement(card, call: Call) -> bytes:
    require_length(call.data, 68)
    nonce, txid = objects(call.data, (0x80, 32), (0x81, 32))
    owned = card.owned()
    if not owned.policy & 2:
        raise Refusal(0x6982)
    payment = next((each for each in owned.log.values() if each.txid == txid), None)
    if payment is None or card.session.paid != txid:
        raise Refusal(0x6A88)
    if payment.cancelled or payment.signed_against:
        raise Refusal(0x9417)
    salt = card.random.draw(16)
    outpoints = b"".join(txid + u32(vout) for txid, vout, *_ in payment.inputs)
    places = [place for *_, place in payment.inputs]
    keys = b"".join(map(owned.account.output_key, places))
    leaf = owned.account.leaf[:3]
    facts = u8(owned.network) + u8(owned.provenance) + leaf + u8(len(places)) + outpoints + keys + salt
    signature = sign_as_card(card, "Tillcard/statement", card.session.name() + nonce + txid + facts)
    # [STM-3]
    owned.pledged.update(places)
    return (
        tlv(0x80, u8(owned.network))
        + tlv(0x81, u8(owned.provenance))
        + tlv(0x82, leaf)
        + tlv(0x83, outpoints)
        + tlv(0x84, keys)
        + tlv(0x85, salt)
        + tlv(0x86, signature)
    )


COMMANDS = {b"\x80\x54": Command(statement, needs=capabilities.STATEMENTS)}
