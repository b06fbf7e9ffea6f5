"""The text's worked examples, replayed to a client."""

import re

from check_constants import TEXT


class Replay:
    """Stands for the card: demands the examples' commands, gives their responses."""

    def __init__(self, *titles: str):
        self.exchanges = [each for title in titles for each in exchanges(section(title))]

    def transmit(self, command: bytes) -> bytes:
        expected, response = self.exchanges.pop(0)
        if command != expected:
            raise AssertionError(f"the text has {expected.hex()}, the client sends {command.hex()}")
        return response


def section(title: str) -> str:
    """An example's section, found by the words of its heading."""
    return re.search(rf"^### 13\.\d+ {re.escape(title)}$(.*?)(?=^##|\Z)", TEXT.read_text(), re.M | re.S)[1]


def exchanges(body: str) -> list[tuple[bytes, bytes]]:
    block = re.search(r"^```text$(.*?)^```$", body, re.M | re.S)[1]
    return [
        (bytes.fromhex(command), bytes.fromhex(response))
        for command, response in re.findall(r"^> ([^>]*?)^(?:draws[^\n]*\n)?< ((?:[0-9A-F ]|\n  )*)", block, re.M)
    ]
