"""SET LIMITS and READ LIMITS (sections 8.3 and 8.6)."""

from ..encoding import objects, tlv, u8
from ..rules import Limits
from ..status import Refusal
from .call import Call, Command
from .issuing import require_limits


def set_limits(card, call: Call) -> bytes:
    (encoded,) = objects(call.body(50), (0x85, 48))
    owned, _ = call.require_owner(card)
    if owned.first_unseen < owned.next_number:
        raise Refusal(0x6985)
    limits = Limits.parse(encoded)
    require_limits(card, limits)
    owned.limits, owned.limits_since = limits, owned.next_number
    owned.debited = owned.payments = owned.payments_without_pin = 0
    return b""


def read_limits(card, call: Call) -> bytes:
    call.body(0)
    owned, _ = call.require_owner(card)
    return tlv(0x85, owned.limits.encode()) + tlv(0x86, u8(owned.policy))


COMMANDS = {
    b"\x80\x46": Command(set_limits),
    b"\x80\x4e": Command(read_limits),
}
