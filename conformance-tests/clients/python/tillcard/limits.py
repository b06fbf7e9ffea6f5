"""The limits and the policy that the owner sets."""

from . import constants as C
from . import fields, tlv
from .integers import uint
from .owner import Owner

Limits = dict[str, int]


def encode(limits: Limits) -> bytes:
    return fields.encode(C.LIMITS, limits)


def read(owner: Owner) -> tuple[Limits, int]:
    """The limits and the policy in force."""
    answer = tlv.decode(C.READ_LIMITS_ANSWER, owner.command(C.READ_LIMITS))
    return fields.decode(C.LIMITS, answer["limits"]), uint(answer["policy"])
