"""What the client takes from a card, and how it sends much."""

import unittest

from tillcard import constants as C, personalisation, pin
from tillcard.card import Card
from tillcard.errors import Failure, Refused


def fci(version: str) -> bytes:
    return bytes.fromhex("6F178409F054494C4C43415244A50A8002" + version + "8104000002FF9000")


class Answers(unittest.TestCase):
    def answered(self, *answers: str) -> Card:
        self.sent = []
        responses = [bytes.fromhex(answer) for answer in answers]
        return Card(lambda command: (self.sent.append(command.hex().upper()), responses.pop(0))[1])

    def test_version(self):
        Card(lambda command: fci("0004")).select()
        for version in ["0003", "0005", "0104"]:
            with self.assertRaisesRegex(Failure, "this client knows 0.4"):
                Card(lambda command: fci(version)).select()

    def test_parts(self):
        card = self.answered("01026103", "03046101", "059000")
        self.assertEqual(card.command(C.STATUS, le=2), bytes([1, 2, 3, 4, 5]))
        self.assertEqual(self.sent, ["00CA010002", "00C0000003", "00C0000001"])

    def test_status(self):
        issued = self.answered("8001018101038201038301039000").status()
        self.assertEqual(issued, {"state": C.ISSUED, "network": C.REGTEST, "PIN tries left": b"\3", "policy": b"\3"})
        self.assertEqual(self.answered("80017F9000").status(), {"state": b"\x7F"})
        for wrong in ["8001019000", "8001008101038201038301039000", "80010081019000", "9000"]:
            with self.subTest(wrong), self.assertRaises(Failure):
                self.answered(wrong).status()

    def test_no_status_word(self):
        with self.assertRaisesRegex(Failure, "without a status word"):
            self.answered("90").status()

    def test_refusals_are_told_in_words(self):
        for status, words in [("6983", "PIN blocked"), ("63C1", "1 tries left"), ("6F00", "doesn't know")]:
            with self.assertRaisesRegex(Refused, f"{status}: .*{words}"):
                pin.verify(self.answered(status), "1234")

    def test_certificates_in_pieces(self):
        card = self.answered(*["9000"] * 7)
        personalisation.store(card, bytes(240), bytes(239), bytes(4 * 239))
        headers = ["00DA0200EF", "00DA020101", "00DA0210EF", "00DA0220EF", "00DA0221EF", "00DA0222EF", "00DA0223EF"]
        self.assertEqual([command[:10] for command in self.sent], headers)
        for wrong in [b"", bytes(4 * 239 + 1)]:
            with self.assertRaisesRegex(Failure, "doesn't fit into 4 pieces of 239"):
                personalisation.store(self.answered(), wrong, b"", b"")


if __name__ == "__main__":
    unittest.main()
