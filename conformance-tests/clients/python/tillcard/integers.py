"""Unsigned integers of the protocol: big-endian, of fixed size."""

from . import constants as C


def u8(number: int) -> bytes:
    return number.to_bytes(C.U8_LENGTH, "big")


def u16(number: int) -> bytes:
    return number.to_bytes(C.U16_LENGTH, "big")


def u32(number: int) -> bytes:
    return number.to_bytes(C.U32_LENGTH, "big")


def u64(number: int) -> bytes:
    return number.to_bytes(C.U64_LENGTH, "big")


def uint(data: bytes) -> int:
    return int.from_bytes(data, "big")
