"""The log of payments."""

from . import constants as C
from . import tlv
from .integers import u32
from .owner import Owner


def read(owner: Owner, number: int) -> dict[str, bytes]:
    body = tlv.encode(C.READ_LOG_BODY, {"sequence number": u32(number)})
    return tlv.decode(C.LOG_ENTRY, owner.command(C.READ_LOG, body))


def acknowledge(owner: Owner, seen: int, settled: int) -> None:
    body = tlv.encode(C.ACKNOWLEDGE_LOG_BODY, {"seen": u32(seen), "settled": u32(settled)})
    owner.command(C.ACKNOWLEDGE_LOG, body)
