"""The examples are replayed wholly, and a difference is found."""

import unittest
from pathlib import Path

from tests.examples import Replay, script, titles
from tillcard.card import Card


class Examples(unittest.TestCase):
    def test_all_are_played(self):
        tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_examples_*.py"))
        missing = [title for title in titles() if f'"{title}"' not in tests]
        self.assertEqual(missing, [])
        self.assertEqual(len(titles()), 15)

    def test_all_lines_are_read(self):
        marks = [mark for mark, _ in script("A channel")]
        self.assertEqual(marks, [">", "<"] + ["plain >", ">", "<", "plain <"] * 3)

    def test_another_command_is_found(self):
        card = Card(Replay("A card in the factory state").transmit)
        with self.assertRaisesRegex(AssertionError, "the text has 00 A4 .*, not 00 CA"):
            card.status()


if __name__ == "__main__":
    unittest.main()
