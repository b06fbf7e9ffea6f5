"""Records of fixed size: several alike, or of big-endian numbers."""

from .errors import demand
from .integers import uint
from .notation import Field


def size(layout: list[Field]) -> int:
    return sum(field.size for field in layout)


def encode(layout: list[Field], values: dict[str, int]) -> bytes:
    demand(set(values) == {field.name for field in layout}, "other fields than the text's")
    return b"".join(values[field.name].to_bytes(field.size, "big") for field in layout)


def decode(layout: list[Field], data: bytes) -> dict[str, int]:
    demand(len(data) == size(layout), "fields of another length than the text's")
    values, at = {}, 0
    for field in layout:
        values[field.name] = uint(data[at:at + field.size])
        at += field.size
    return values


def split(data: bytes, length: int) -> list[bytes]:
    """Parts of this length; the last may be shorter."""
    return [data[at:at + length] for at in range(0, len(data), length)]
