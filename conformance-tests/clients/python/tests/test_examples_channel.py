"""Examples 13.8 to 13.10: the client's channel has the text's bytes, outside and inside."""

import unittest

from tests.examples import ACCOUNT, REQUEST, ExampleTest
from tillcard import constants as C, crypto, identity, log, payment, pin, statement
from tillcard.card import Card
from tillcard.errors import Refused
from tillcard.scripts import place
from tillcard.transaction import Output

IDENTITY_KEY = bytes.fromhex("026FF03B949241CE1DADD43519E6960E0A85B41A69A05C328103AA2BCE1594CA16")
AGREEMENT_KEY = bytes.fromhex("02550F471003F3DF97C3DF506AC797F6721FB1A1FB7B8F6F83D224498A65C88E24")
EPHEMERAL = bytes.fromhex("44" * 32)

# The coin that the payment spends: the change of the one in 13.6.
OUTPOINT = bytes.fromhex("CC8D3E32A2A8B5312AFDF75550DC3BB28B451E2207C72E3CC464C39F3D09171A" "00000001")
COIN = Output(74_716, ACCOUNT.script(place(C.CHANGE, 0)))
SECOND = REQUEST._replace(amount=10_000, identity=bytes.fromhex("56" * 16))
FEE = 284
OFFER = payment.Offer(SECOND.amount, FEE, COIN.amount - SECOND.amount - FEE, [OUTPOINT])


def drawn(byte: int):
    """What the client draws in these examples, in the place of random numbers."""
    return lambda length: bytes([byte] * length)


class Channel(ExampleTest):
    """Each test plays on from where the one before ends."""

    def opened(self, *further: str) -> Card:
        self.card, self.replay = self.play("A channel", *further)
        self.card.open_channel(AGREEMENT_KEY, crypto.p256_secret(EPHEMERAL))
        self.replay.watch(self.card)
        self.assertEqual(pin.tries_left(self.card), 3)
        identity.prove_genuine(self.card, IDENTITY_KEY, drawn(0x77))
        with self.assertRaisesRegex(Refused, "6A86: incorrect P1-P2"):
            self.card.command(C.PAY[:-1] + b"\x01", REQUEST.encode())
        return self.card

    def paid(self, *further: str) -> Card:
        card = self.opened("A payment in the channel, and a statement", *further)
        pin.verify(card, "271828")
        payment.check_offer(OFFER, SECOND)
        tx = payment.pay(card, SECOND)
        change = payment.check_payment(tx, SECOND, OFFER, {OUTPOINT: COIN})
        self.assertEqual(change.script, ACCOUNT.script(place(C.CHANGE, 1)))
        self.txid = tx.txid
        stated = statement.statement(card, tx.txid, IDENTITY_KEY, drawn(0x88))
        statement.check_coins(stated, [OUTPOINT], {OUTPOINT: COIN})
        self.assertEqual((stated["network"], stated["provenance"]), (C.REGTEST, C.IMPORTED))
        self.assertEqual(stated["leaf"], ACCOUNT.leaf[:3])
        return card

    def test_channel(self):
        self.opened()

    def test_payment_and_statement(self):
        self.paid()

    def test_end(self):
        card = self.paid("What ends a channel")
        entry = log.read(self.owner(card), 1)
        self.assertEqual((entry["txid"], entry["authority"]), (self.txid, C.BY_PIN))
        self.assertEqual(entry["outpoints"], OUTPOINT)
        # Somebody else speaks to the card in plain, by which the channel ends.
        with self.assertRaisesRegex(Refused, "6982"):
            Card(self.replay.transmit).command(C.GET_CHALLENGE, le=C.CHALLENGE_LENGTH)
        # The text has no plain lines for a command that no channel carries.
        self.replay.inside.append((C.GET_CHALLENGE + b"\0", C.NO_AUTHORITY))
        with self.assertRaisesRegex(Refused, "6982.*no channel"):
            card.command(C.GET_CHALLENGE)


if __name__ == "__main__":
    unittest.main()
