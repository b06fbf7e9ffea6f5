"""VERIFY and RESET RETRY COUNTER (sections 4.1 and 5.3)."""

import hmac

from ..encoding import objects
from ..rules import is_pin_block
from ..session import Holder
from ..status import Refusal, Warned
from .call import Call, Command

TRIES = 3
NEW_PIN = 2


def verify(card, call: Call) -> bytes:
    if len(call.data) > 255:
        raise Refusal(0x6700)
    owned = card.owned()
    if call.data:
        card.require_shop_session()
        card.session.holder = None
    if not owned.tries:
        raise Refusal(0x6983)
    if not call.data:
        raise Warned(owned.tries)
    owned.tries -= 1
    if not hmac.compare_digest(owned.pin, call.data):
        raise Warned(owned.tries)
    owned.tries = TRIES
    card.session.holder = Holder()
    return b""


def reset_retry_counter(card, call: Call) -> bytes:
    block = None
    if call.p1 == NEW_PIN:
        (block,) = objects(call.body(10), (0x84, 8))
        card.require_shop_session()
    else:
        call.body(0)
    owned, _ = call.require_owner(card)
    card.session.holder = None
    if block and not is_pin_block(block):
        raise Refusal(0x6A80)
    owned.pin = block or owned.pin
    owned.tries = TRIES
    return b""


COMMANDS = {
    b"\x00\x20": Command(verify, (0,), (0x80,)),
    b"\x00\x2c": Command(reset_retry_counter, (2, 3), (0x80,)),
}
