"""The channel against a card's side written apart from it."""

import unittest

from cryptography.hazmat.primitives.asymmetric import ec

from tests.card_side import CardSide
from tillcard import constants as C
from tillcard.card import Card
from tillcard.channel import pad, unpad
from tillcard.errors import Failure, Refused
from tillcard.pin import tries_left

DONE = bytes.fromhex("9000")


def echo(header: bytes, data: bytes) -> tuple[bytes, bytes]:
    return header + data, DONE


class Channel(unittest.TestCase):
    def opened(self, application=echo) -> tuple[Card, CardSide]:
        side = CardSide(application)
        card = Card(side.transmit)
        card.open_channel(side.agreement_key)
        return card, side

    def test_commands(self):
        card, _ = self.opened()
        for length in [0, 1, 15, 16, 17, 239]:
            data = bytes(range(length))
            self.assertEqual(card.command(C.PAY, data), C.PAY + data)
            self.assertEqual(card.command(C.GENUINE, data), C.GENUINE + data)

    def test_no_answer_data(self):
        card, _ = self.opened(lambda header, data: (b"", DONE))
        self.assertEqual(card.command(C.PAY), b"")

    def test_answer_in_parts(self):
        card, _ = self.opened(lambda header, data: (bytes(1000), DONE))
        self.assertEqual(card.command(C.PAY), bytes(1000))

    def test_tries_are_proven(self):
        card, _ = self.opened(lambda header, data: (b"", bytes.fromhex("63C2")))
        self.assertEqual(tries_left(card), 2)

    def test_refusal_leaves_the_channel_open(self):
        answers = [(b"", bytes.fromhex("6A80")), (b"x", DONE)]
        card, _ = self.opened(lambda header, data: answers.pop(0))
        with self.assertRaises(Refused):
            card.command(C.PAY)
        self.assertEqual(card.command(C.PAY), b"x")

    def test_another_card_is_found_out(self):
        side = CardSide(echo)
        other = CardSide(echo)
        with self.assertRaisesRegex(Failure, "receipt"):
            Card(side.transmit).open_channel(other.agreement_key)

    def test_changed_answer_breaks_the_channel(self):
        for place in [0, -3, -10]:
            card, side = self.opened()
            honest = side.transmit

            def shim(command: bytes) -> bytes:
                answer = bytearray(honest(command))
                answer[place] ^= 1
                return bytes(answer)

            card._transmit = shim
            with self.assertRaisesRegex(Failure, "wrong MAC"):
                card.command(C.PAY, b"data")
            card._transmit = honest
            with self.assertRaisesRegex(Failure, "any more"):
                card.command(C.PAY, b"data")

    def test_answer_without_mac(self):
        card, _ = self.opened()
        card._transmit = lambda command: DONE
        with self.assertRaisesRegex(Failure, "wrong MAC"):
            card.command(C.PAY)

    def test_left_out_command_is_noticed(self):
        card, _ = self.opened()
        card.channel.protect(C.PAY, b"")
        with self.assertRaises(Refused):
            card.command(C.PAY)

    def test_ephemeral_key_is_drawn_anew(self):
        seen = []
        side = CardSide(echo)
        card = Card(lambda command: (seen.append(command), side.transmit(command))[1])
        card.open_channel(side.agreement_key)
        card.open_channel(side.agreement_key)
        self.assertNotEqual(*seen)
        card.open_channel(side.agreement_key, ec.derive_private_key(7, ec.SECP256R1()))

    def test_padding(self):
        for length in range(1, 40):
            self.assertEqual(unpad(pad(bytes(length))), bytes(length))
        for wrong in [bytes(16), b"\x80" + bytes(16), b"x" * 16]:
            with self.assertRaises(Failure):
                unpad(wrong)


if __name__ == "__main__":
    unittest.main()
