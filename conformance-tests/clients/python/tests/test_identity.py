"""The card's keys, as its certificates give them, and the proof that it has them."""

import unittest

from tests.card_side import CardSide
from tests.certificate_authority import Authority, der, key
from tillcard import constants as C, crypto, identity
from tillcard.card import Card
from tillcard.certificates import Trust
from tillcard.errors import Failure


class Identity(unittest.TestCase):
    def setUp(self):
        self.authority = Authority()
        self.identity_key = key()

    def vouched(self, which: bytes = C.IDENTITY_KEY, network: bytes = C.MAINNET) -> bytes:
        side = CardSide(lambda header, data: (self.answer(), C.DONE))
        card = Card(side.transmit)
        card.open_channel(side.agreement_key)
        return identity.vouched_key(card, which, Trust(der(self.authority.root)), network)

    def answer(self) -> bytes:
        return der(self.authority.batch) + der(self.authority.identity(self.identity_key))

    def test_good(self):
        self.assertEqual(self.vouched(), crypto.compressed(self.identity_key.public_key()))

    def test_key_of_another_use(self):
        with self.assertRaisesRegex(Failure, "key usage"):
            self.vouched(C.AGREEMENT_KEY)

    def test_test_root_on_mainnet(self):
        self.authority = Authority(crypto.p256_secret(crypto.tagged_hash("Tillcard/test-root", b"")))
        self.vouched(network=C.REGTEST)
        with self.assertRaisesRegex(Failure, "mainnet"):
            self.vouched(network=C.MAINNET)

    def test_other_than_two_certificates(self):
        self.answer = lambda: der(self.authority.batch)
        with self.assertRaisesRegex(Failure, "1 certificates"):
            self.vouched()

    def test_split_der(self):
        short, long = bytes.fromhex("30020500"), bytes.fromhex("30820100") + bytes(256)
        self.assertEqual(identity.split_der(short + long + short), [short, long, short])
        for cut in [short[:1], short[:-1], long[:3], long[:-1]]:
            with self.assertRaisesRegex(Failure, "cut short"):
                identity.split_der(short + cut)

    def test_proof_of_another_key(self):
        answer = bytes.fromhex("8010") + bytes(16) + bytes.fromhex("8140") + bytes.fromhex("01" * 64)
        card = Card(lambda command: answer + C.DONE)
        with self.assertRaisesRegex(Failure, "genuineness"):
            identity.prove_genuine(card, crypto.compressed(self.identity_key.public_key()))


if __name__ == "__main__":
    unittest.main()
