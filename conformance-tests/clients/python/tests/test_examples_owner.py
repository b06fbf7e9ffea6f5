"""Examples 13.11 to 13.14: what the owner reads, has signed, mends and gives away."""

import unittest

from tests.examples import ACCOUNT, NO_LEAF, ExampleTest
from tests.test_examples_issue import LIMITS, POLICY
from tillcard import account, constants as C, crypto, image, limits, log, payment, pin, signing
from tillcard.integers import uint
from tillcard.scripts import place
from tillcard.transaction import Input, Output, Transaction

NEXT_OWNER = bytes.fromhex("77" * 32)


class Owning(ExampleTest):
    def test_reads(self):
        entry, found = self.read()
        self.assertEqual(entry["merchant"], "Dairy".encode())
        self.assertEqual(list(entry["transaction given again"]), [1, 0])
        self.assertEqual(found.counters["debited"], 25_284 + 10_284)
        self.assertEqual([coin.amount for coin in found.coins], [100_000, 74_716, 64_432])
        self.assertEqual([coin.place for coin in found.coins], [place(C.RECEIVE, 0), place(C.CHANGE, 0), place(C.CHANGE, 1)])
        self.assertEqual([coin.spent_by for coin in found.coins], [0, 1, None])
        self.assertEqual(found.coins[1].txid, entry["txid"])

    def test_has_signed(self):
        _, found = self.read()
        coin = found.coins[2]
        card, _ = self.play("The owner has a transaction signed")
        owner = self.owner(card)
        source = Input(coin.txid, coin.vout, C.TX_SEQUENCE)
        payee = bytes.fromhex("0014" + "66" * 20)
        change = place(C.CHANGE, 2)
        rest = coin.amount - 50_000 - 300
        spend = signing.Spend(source.outpoint, source.sequence, coin.amount, coin.place)
        sums = signing.start(owner, 2, 0, [spend], [signing.Pay(50_000, payee), signing.Pay(rest, change)])
        expected = {"sum of inputs": coin.amount, "sum of own outputs": rest, "sum of other outputs": 50_000, "fee": 300}
        self.assertEqual({name: uint(value) for name, value in sums.items()}, expected)
        signed = source._replace(witness=(signing.signature(owner, 0),))
        tx = Transaction(2, [signed], [Output(50_000, payee), Output(rest, ACCOUNT.script(change))], 0)
        payment.check_signatures(tx, [Output(coin.amount, ACCOUNT.script(coin.place))])

    def test_mends(self):
        card, replay = self.play("What the owner mends")
        # The text asks for nine of the bytes left, and stops there; a client asks for all, and the leaf is the rest.
        _, nine = replay.exchanges[-1]
        replay.exchanges[-1] = (C.GET_RESPONSE + b"\x2C", nine[:9] + NO_LEAF + C.DONE)
        owner = self.owner(card)
        self.assertEqual(limits.read(owner), (LIMITS, uint(POLICY)))
        owner.new_pin(pin.block("3141"))
        owner.change_key(NEXT_OWNER)
        record = account.read_account(owner)
        self.assertEqual(account.account_of(record, NO_LEAF), ACCOUNT)
        self.assertEqual((record["owner key"], record["leaf"]), (crypto.public_key(NEXT_OWNER), NO_LEAF))

    def test_gives_away(self):
        card, _ = self.play("The owner gives the card away")
        self.owner(card, NEXT_OWNER).factory_reset()
        self.assertEqual(card.status(), {"state": C.FACTORY})

    def read(self) -> tuple[dict[str, bytes], image.Image]:
        card, _ = self.play("What the owner reads")
        owner = self.owner(card)
        return log.read(owner, 0), image.read(owner)


if __name__ == "__main__":
    unittest.main()
