"""What a value must be to be taken: PIN blocks, limits, merchants, payees (sections 4, 7.1, 7.3)."""

import struct
from dataclasses import dataclass

from .status import Refusal

MOST_MONEY = 21 * 10**14
LEAST_RATE = 100
TAPROOT_DUST = 330
# Nothing that could move, hide, overprint or end what stands beside it on a screen ([PAY-9]).
UNPRINTABLE = (
    (0x0000, 0x001F),
    (0x007F, 0x009F),
    (0x0300, 0x036F),
    (0x061C, 0x061C),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x200B, 0x200F),
    (0x201D, 0x201D),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x20D0, 0x20FF),
    (0xFE20, 0xFE2F),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE0FFF),
)


def is_pin_block(block: bytes) -> bool:
    digits, length = block.hex()[2:], block[0] & 0x0F
    return block[0] >> 4 == 2 and 4 <= length <= 12 and digits[:length].isdigit() and digits[length:] == "f" * (14 - length)


@dataclass(frozen=True)
class Limits:
    """The owner's limits (section 7.1)."""

    per_payment: int
    cumulative: int
    payments: int
    fee_cap: int
    least_rate: int
    highest_rate: int
    least_coin: int
    without_pin: int
    payments_without_pin: int

    FORMAT = ">QQHQIIIQH"

    @classmethod
    def parse(cls, data: bytes) -> "Limits":
        return cls(*struct.unpack(cls.FORMAT, data))

    def encode(self) -> bytes:
        return struct.pack(self.FORMAT, *vars(self).values())

    def require_permitted(self) -> None:
        """[LIM-1]"""
        amounts = (self.per_payment, self.cumulative, self.fee_cap, self.without_pin)
        rates = LEAST_RATE <= self.least_rate <= self.highest_rate
        if max(amounts) > MOST_MONEY or not rates or self.least_coin < TAPROOT_DUST:
            raise Refusal(0x6A80)


def is_printable(merchant: bytes) -> bool:
    try:
        text = merchant.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(low <= ord(character) <= high for character in text for low, high in UNPRINTABLE)


def dust_of(script: bytes) -> int | None:
    """The dust threshold of a permitted payee script ([PAY-5], [PAY-6])."""
    length = len(script)
    if length == 25 and script.startswith(b"\x76\xa9\x14") and script.endswith(b"\x88\xac"):
        return 546
    if length == 23 and script.startswith(b"\xa9\x14") and script.endswith(b"\x87"):
        return 540
    if length == 22 and script.startswith(b"\x00\x14"):
        return 294
    if length == 34 and script.startswith((b"\x00\x20", b"\x51\x20")):
        return 330
    return None
