"""Numbers and data objects (section 1)."""

from .status import Refusal


def u8(value: int) -> bytes:
    return value.to_bytes(1, "big")


def u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def scalar(value: int) -> bytes:
    return value.to_bytes(32, "big")


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def little(value: int, length: int) -> bytes:
    return value.to_bytes(length, "little")


def from_little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def length_of(size: int) -> bytes:
    if size < 0x80:
        return u8(size)
    return b"\x81" + u8(size) if size < 0x100 else b"\x82" + u16(size)


def tlv(tag: int, value: bytes) -> bytes:
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length_of(len(value)) + value


def objects(data: bytes, *expected) -> list[bytes]:
    """The values of data objects, given as (tag, length or lengths); 6A80 when they aren't these."""
    values, at = [], 0
    for tag, lengths in expected:
        lengths = (lengths,) if isinstance(lengths, int) else lengths
        if data[at : at + 1] != u8(tag) or len(data) < at + 2 or data[at + 1] not in lengths:
            raise Refusal(0x6A80)
        value = data[at + 2 : at + 2 + data[at + 1]]
        if len(value) != data[at + 1]:
            raise Refusal(0x6A80)
        values.append(value)
        at += 2 + len(value)
    if at != len(data):
        raise Refusal(0x6A80)
    return values


def require_length(data: bytes, *lengths: int) -> None:
    if len(data) not in lengths:
        raise Refusal(0x6700)


def compact_size(value: int) -> bytes:
    """Bitcoin's count, for the sizes that this card writes."""
    return u8(value) if value < 0xFD else b"\xfd" + little(value, 2)


def base_128(value: int) -> bytes:
    """N of section 6.4."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))
