"""Reads the protocol text's own notation.

A constant is given as a section and some words of it, the value between « and ».
So a value can't differ from the words, and check_constants.py finds the words in the text.
"""

import re
from collections.abc import Callable
from typing import NamedTuple


class Item(NamedTuple):
    """A data object: its name in the text, its tag, and which lengths it may have."""

    name: str
    tag: bytes
    fits: Callable[[int], bool]


class Field(NamedTuple):
    """A big-endian number in a record."""

    name: str
    size: int


QUOTES: list[tuple[str, str]] = []

_WORDS = {"eight": 8, "sixteen": 16}


def _value(section: str, words: str) -> str:
    QUOTES.append((section, words.replace("«", "").replace("»", "")))
    return words.partition("«")[2].partition("»")[0] if "«" in words else words


def octets(section: str, words: str) -> bytes:
    """Bytes in hexadecimal; braces and commas only show how they nest."""
    return bytes.fromhex(re.sub("[{},]", " ", _value(section, words)))


def byte(section: str, words: str) -> int:
    return octets(section, words)[0]


def number(section: str, words: str) -> int:
    value = _value(section, words)
    return _WORDS[value] if value in _WORDS else int(value.replace(" ", ""))


def word(section: str, words: str) -> str:
    return _value(section, words)


def header(section: str, words: str, **fill: bytes) -> bytes:
    """A command header such as `80 10 P1 00`, its variables filled in."""
    value = _value(section, words)
    for variable, content in fill.items():
        value = value.replace(variable, content.hex())
    return bytes.fromhex(value)


def objects(section: str, words: str) -> list[Item]:
    """Data objects in a row: `80 21 P ‖ 81 20 chain code`; length L is any."""
    items = []
    for item in re.split(r"‖|,(?= [0-9A-F]{2} )", _value(section, words).replace("`", "")):
        tag, length, name = item.strip().split(" ", 2)
        fits = _any if length == "L" else _exactly(int(length, 16))
        items.append(Item(name, bytes.fromhex(tag), fits))
    return items


def rows(section: str, *lines: str) -> list[Item]:
    """Data objects as rows of a table: | `80` | 1 | network |; the name may be marked."""
    items = []
    for line in lines:
        tag, length, meaning = _cells(line)
        marked = _value(section, line)
        name = marked if "«" in line else meaning
        items.append(Item(name, bytes.fromhex(tag), _length(length)))
    return items


def fields(section: str, *lines: str) -> list[Field]:
    """Numbers as rows of a table: | 4 · 2 | one name, another name |."""
    items = []
    for line in lines:
        size, meaning = _cells(line)
        size, _, count = size.partition(" · ")
        marked = _value(section, line)
        names = (marked if "«" in line else meaning).split(", ")
        assert len(names) == int(count or 1)
        items += [Field(name, int(size)) for name in names]
    return items


def statuses(section: str, *lines: str) -> dict[bytes, str]:
    """Status words with their meanings, as rows of a table: | `6700` | wrong length |."""
    return dict(_status(_value(section, line)) for line in lines)


def _status(line: str) -> tuple[bytes, str]:
    code, meaning = _cells(line)
    return bytes.fromhex(code), meaning


def _cells(line: str) -> list[str]:
    return [cell.strip(" `") for cell in re.sub("[«»]", "", line).strip("| ").split(" | ")]


def _any(_length: int) -> bool:
    return True


def _exactly(wanted: int):
    return lambda length: length == wanted


def _length(text: str):
    """Lengths as tables give them: 16, 22–42, 0 or 32, 36·k."""
    if "–" in text:
        low, high = map(int, text.split("–"))
        return lambda length: low <= length <= high
    if "or" in text:
        return lambda length: length in map(int, text.split(" or "))
    if "·k" in text:
        unit = int(text.removesuffix("·k"))
        return lambda length: length > 0 and length % unit == 0
    return _exactly(int(text))
