"""Command APDUs from bytes, and answers in parts (section 2.2)."""

from dataclasses import dataclass

from .encoding import number, u8
from .status import Refusal

SHORT_LE = 256
EXTENDED_LE = 65536
MORE = 0x61


@dataclass(frozen=True)
class Command:
    """A command APDU."""

    header: bytes
    length: bytes
    data: bytes
    expected: int


def parse(apdu: bytes, extended: bool) -> Command:
    """[FRM-4]; short forms first, then extended ones (ISO/IEC 7816-3 §12.1.3)."""
    size = len(apdu)
    if size < 4:
        raise Refusal(0x6700)
    header, body = apdu[:4], apdu[4:]
    if header[0] == 0xFF:
        raise Refusal(0x6E00)
    if not body:
        return Command(header, b"", b"", 0)
    if len(body) == 1:
        return Command(header, b"", b"", body[0] or SHORT_LE)
    if body[0]:
        data, rest = body[1 : 1 + body[0]], body[1 + body[0] :]
        if len(data) == body[0] and len(rest) < 2:
            return Command(header, body[:1], data, (rest[0] or SHORT_LE) if rest else 0)
    elif extended and len(body) >= 3:
        length = number(body[1:3])
        if len(body) == 3:
            return Command(header, b"", b"", length or EXTENDED_LE)
        data, rest = body[3 : 3 + length], body[3 + length :]
        if length and len(data) == length and len(rest) in (0, 2):
            return Command(header, body[:3], data, (number(rest) or EXTENDED_LE) if rest else 0)
    raise Refusal(0x6700)


def require_class(cla: int, with_channel: bool) -> None:
    """[FRM-7]"""
    if cla in (0x00, 0x80) or (with_channel and cla in (0x04, 0x84)):
        return
    if cla < 0x20 or 0x80 <= cla < 0xA0:
        raise Refusal(0x6884 if cla & 0x10 else 0x6882 if cla & 0x0C else 0x6881)
    if 0x40 <= cla < 0x80:
        raise Refusal(0x6884 if cla & 0x10 else 0x6882 if cla & 0x20 else 0x6881)
    raise Refusal(0x6E00)


class Answers:
    """What is left of the last answer ([FRM-5], [FRM-6])."""

    def __init__(self):
        self._left = b""

    def discard(self) -> None:
        self._left = b""

    def give(self, answer: bytes, expected: int) -> bytes:
        part, self._left = answer[:expected], answer[expected:]
        if not self._left:
            return part + b"\x90\x00"
        left = len(self._left)
        return part + u8(MORE) + u8(left if left < 256 else 0)

    def give_more(self, command: Command) -> bytes:
        """GET RESPONSE."""
        left, self._left = self._left, b""
        if command.header[2:] != b"\0\0":
            raise Refusal(0x6A86)
        if command.data:
            raise Refusal(0x6700)
        if not left:
            raise Refusal(0x6985)
        return self.give(left, command.expected or SHORT_LE)
