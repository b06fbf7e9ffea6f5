"""The worked examples of section 13, byte for byte."""

import re
import unittest

from card.card import Card
from card.randomness import SystemSource

from .text import section


class Counting(SystemSource):
    """Draws a number that consists of bytes 01, then one of bytes 02, and so on."""

    def __init__(self):
        self._count = 0

    def draw(self, length: int) -> bytes:
        self._count += 1
        return bytes([self._count]) * length

    def draw_test(self) -> bytes:
        return bytes(range(256)) * 2


def lines() -> list[str]:
    found = []
    for block in re.findall(r"```text\n(.*?)```", section(13), re.S):
        for line in block.splitlines():
            if re.match(r" +[0-9A-F]{2}( |$)", line):
                found[-1] += " " + line.strip()
            else:
                found.append(line)
    return found


class Examples(unittest.TestCase):
    def test_each_answer_is_the_text_s(self):
        card, answer, compared = Card(Counting(), coins=1000), b"", 0
        for line in lines():
            mark, _, text = line.partition(" ")
            if line == "factory":
                card = Card(Counting(), coins=1000)
            elif line == "reset":
                card.reset()
            elif mark == ">":
                answer = card.transmit(bytes.fromhex(text))
            elif mark == "<":
                self.assertEqual(answer.hex(" ").upper(), text, f"answer {compared}")
                compared += 1
        self.assertGreater(compared, 50)


if __name__ == "__main__":
    unittest.main()
