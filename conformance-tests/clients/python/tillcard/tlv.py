"""Data objects (BER-TLV)."""

from collections.abc import Iterator

from . import constants as C
from .errors import Failure, demand
from .integers import u8, uint
from .notation import Item


def encode(layout: list[Item], values: dict[str, bytes]) -> bytes:
    """The data objects of a layout, in its order."""
    demand(set(values) == {item.name for item in layout}, "other data objects than the text's")
    for item in layout:
        demand(item.fits(len(values[item.name])), f"{item.name} has a wrong length")
    return b"".join(wrap(item.tag, values[item.name]) for item in layout)


def decode(layout: list[Item], data: bytes) -> dict[str, bytes]:
    """The values of exactly the layout's data objects, in exactly its order."""
    found = list(each(data))
    if [tag for tag, _ in found] != [item.tag for item in layout]:
        raise Failure("other data objects than the text's: " + " ".join(tag.hex() for tag, _ in found))
    for item, (_, value) in zip(layout, found):
        demand(item.fits(len(value)), f"{item.name} has a wrong length")
    return {item.name: value for item, (_, value) in zip(layout, found)}


def wrap(tag: bytes, value: bytes) -> bytes:
    if len(value) < C.SHORT_LENGTHS:
        return tag + u8(len(value)) + value
    size = (len(value).bit_length() + 7) // 8
    return tag + C.LONG_LENGTHS[size] + len(value).to_bytes(size, "big") + value


def unwrap(tag: bytes, data: bytes) -> bytes:
    """The value of the one data object that there is."""
    found = list(each(data))
    demand([one for one, _ in found] == [tag], f"not a single data object {tag.hex()}")
    return found[0][1]


def each(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    while data:
        tag = data[:2] if data[:2] in C.LONG_TAGS else data[:1]
        first = data[len(tag):][:1]
        size = next((size for size, prefix in C.LONG_LENGTHS.items() if prefix == first), 0)
        start = len(tag) + 1 + size
        length = uint(data[start - size:start] if size else first)
        value = data[start:start + length]
        # Encoding it again finds lengths that aren't the shortest, and values cut short.
        demand(len(value) == length and data.startswith(wrap(tag, value)), "a malformed data object")
        yield tag, value
        data = data[start + length:]
