"""Examples 13.4 to 13.7: PIN, coin and payment in plain sessions."""

import unittest

from tests.examples import ACCOUNT, COIN, REQUEST, ExampleTest
from tillcard import coins, constants as C, payment, pin
from tillcard.errors import Failure, Refused
from tillcard.scripts import place
from tillcard.transaction import Input, Output, Transaction


class Paying(ExampleTest):
    def test_pin_and_script(self):
        card, _ = self.play("The PIN, and where to send coins")
        self.assertEqual(pin.tries_left(card), 3)
        with self.assertRaisesRegex(Refused, "63C2: PIN not verified; 2 tries left"):
            pin.verify(card, "1234")
        pin.verify(card, "271828")
        self.assertEqual(coins.receive_script(card), (0, ACCOUNT.script(place(C.RECEIVE, 0))))

    def test_coin(self):
        card, _ = self.play("A coin enters")
        # The text gives the transaction's bytes alone; this is what they say.
        source = Input(bytes.fromhex("C670B7A17D492B273E077B0A96BEF58BA7760779E544546E000EFEC87C5749EC"), 0, 0xFFFFFFFF)
        tx = Transaction(2, [source], [Output(1_000, bytes.fromhex("51" * 30)), COIN], 0)
        self.assertEqual(coins.enter(self.owner(card), tx.txid, 1, place(C.RECEIVE, 0), tx.encode()), COIN.amount)

    def test_payment(self):
        card, _ = self.play("A payment")
        offer = self.offered(card)
        self.check_payment(payment.pay(card, REQUEST), offer)

    def test_payment_again(self):
        first, _ = self.play("A payment")
        offer = self.offered(first)
        txid = payment.pay(first, REQUEST).txid
        card, _ = self.play("The same payment again", select=True)
        again = payment.pay(card, REQUEST)
        self.assertEqual(again.txid, txid)
        self.check_payment(again, offer)

    def offered(self, card) -> payment.Offer:
        pin.verify(card, "271828")
        offer = payment.preview(card, REQUEST)
        payment.check_offer(offer, REQUEST)
        return offer

    def check_payment(self, tx: Transaction, offer: payment.Offer) -> None:
        change = payment.check_payment(tx, REQUEST, offer, {offer.outpoints[0]: COIN})
        self.assertEqual(change.script, ACCOUNT.script(place(C.CHANGE, 0)))
        payee, change = tx.outputs
        with self.assertRaisesRegex(Failure, "signature"):
            payment.check_signatures(tx._replace(outputs=[payee, change._replace(amount=change.amount - 1)]), [COIN])


if __name__ == "__main__":
    unittest.main()
