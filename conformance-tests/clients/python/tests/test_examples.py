"""The client sends the bytes of the text's worked examples, and takes the answers."""

import unittest
from hashlib import sha256

from tests.examples import Replay
from tillcard import account, constants as C, crypto, fields, image, log, payment, pin, signing, tlv
from tillcard.card import Card
from tillcard.errors import Failure, Refused
from tillcard.owner import Owner
from tillcard.scripts import Account, leaf, place
from tillcard.transaction import Input, Output, Transaction

OWNER = bytes.fromhex("11" * 32)
PRIMARY = bytes.fromhex("22" * 32)
SHARE = bytes.fromhex("33" * 32)
NEXT_OWNER = bytes.fromhex("77" * 32)
ACCOUNT_SECRET = bytes.fromhex("9043214D33A3C162A9A825D26B2A1C381455A72306ED17857F55EA65B7DD20DA")
CHAIN_CODE = bytes.fromhex("C61A8F27E98182314D2444DA3E600EB5836EC8AD183C86C311F95DF8082B18AA")
NO_LEAF = leaf(C.LEAF_NONE, 0, bytes(32))
ACCOUNT = Account(bytes.fromhex("03418278A2885C8BB98148158D1474634097A179C642F23CF1CC04DA629AC6F0FB"), CHAIN_CODE, NO_LEAF)
LIMITS = {
    "per payment": 100_000,
    "cumulative": 300_000,
    "payments": 20,
    "fee cap": 5_000,
    "least fee rate": 1_000,
    "highest fee rate": 50_000,
    "least coin": 1_000,
    "highest amount": 0,
    "highest number": 0,
}
REQUEST = payment.Request(25_000, 2_000, bytes.fromhex("0014" + "44" * 20), bytes.fromhex("55" * 16), merchant="Dairy")
COIN = Output(100_000, ACCOUNT.script(place(C.RECEIVE, 0)))


def card(*titles: str, select: bool = False) -> tuple[Card, Replay]:
    """A card that plays these examples, the application selected."""
    replay = Replay(*titles)
    stand_in = Card(Replay("A card in the factory state").transmit)
    stand_in.select()
    played = Card(replay.transmit)
    if select:
        played.select()
    played.version = stand_in.version
    return played, replay


def owner(card: Card, secret: bytes = OWNER) -> Owner:
    return Owner(card, secret, C.REGTEST, ACCOUNT.card_id, random=bytes)


def in_version_of_text(test):
    """The examples of issuing and of limits have the bytes of the text's own version only."""
    played, _ = card()
    return test if played.version == bytes([C.MAJOR, C.MINOR]) else unittest.skip("examples of another version")(test)


class Examples(unittest.TestCase):
    def wishes(self, chosen: bytes) -> account.Record:
        return {
            "network": C.REGTEST,
            "owner key": crypto.public_key(OWNER),
            "leaf": chosen,
            "PIN block": pin.block("271828"),
            "limits": fields.encode(C.LIMITS, LIMITS),
            "policy": self.policy,
        }

    policy = (1 << C.POLICY_PLAIN).to_bytes(1, "big")

    def test_factory(self):
        played, replay = card("A card in the factory state", select=True)
        self.assertEqual(played.status(), {"state": C.FACTORY})
        capabilities = played.capabilities()
        self.assertEqual(int.from_bytes(capabilities["capabilities"], "big"), played.features)
        self.assertEqual(replay.exchanges, [])

    @in_version_of_text
    def test_made_key(self):
        played, replay = card("Issuing with a made key")
        chosen = leaf(C.LEAF_KEY, 0, crypto.public_key(PRIMARY))
        account.issue_made(played, SHARE, self.wishes(chosen))
        self.assertEqual(replay.exchanges, [])

    @in_version_of_text
    def test_imported_key(self):
        played, replay = card("Issuing with an imported key", select=True)
        record = account.issue_imported(played, ACCOUNT_SECRET, CHAIN_CODE, self.wishes(NO_LEAF))
        self.assertEqual(account.account_of(record, NO_LEAF), ACCOUNT)
        self.assertEqual(replay.exchanges, [])

    def test_pin_and_script(self):
        played, replay = card("The PIN, and where to send coins")
        self.assertEqual(pin.tries_left(played), 3)
        with self.assertRaises(Refused):
            pin.verify(played, "1234")
        pin.verify(played, "271828")
        names = tlv.decode(C.RECEIVE_SCRIPT_ANSWER, played.command(C.RECEIVE_SCRIPT))
        self.assertEqual(names["script"], ACCOUNT.script(place(C.RECEIVE, 0)))
        self.assertEqual(replay.exchanges, [])

    def test_coin(self):
        played, replay = card("A coin enters")
        (_, _), (_, _), (piece, _) = replay.exchanges
        transaction = piece[5:-1]
        txid = sha256(sha256(transaction).digest()).digest()
        self.assertEqual(owner(played).enter_coin(txid, 1, place(C.RECEIVE, 0), transaction), COIN.amount)
        self.assertEqual(replay.exchanges, [])

    def test_payment(self):
        played, replay = card("A payment")
        pin.verify(played, "271828")
        offer = payment.preview(played, REQUEST)
        payment.check_offer(offer, REQUEST)
        self.check_payment(payment.pay(played, REQUEST), offer)
        self.assertEqual(replay.exchanges, [])

    def test_payment_again(self):
        first, _ = card("A payment")
        pin.verify(first, "271828")
        offer = payment.preview(first, REQUEST)
        txid = payment.pay(first, REQUEST).txid
        played, replay = card("The same payment again", select=True)
        again = payment.pay(played, REQUEST)
        self.assertEqual(again.txid, txid)
        self.check_payment(again, offer)
        self.assertEqual(replay.exchanges, [])

    def check_payment(self, tx: Transaction, offer: payment.Offer) -> None:
        change = payment.check_payment(tx, REQUEST, offer, {offer.outpoints[0]: COIN})
        self.assertEqual(change.script, ACCOUNT.script(place(C.CHANGE, 0)))
        again = tx.outputs[:1] + [Output(tx.outputs[1].amount - 1, tx.outputs[1].script)]
        with self.assertRaises(Failure):
            payment.check_signatures(tx._replace(outputs=again), [COIN])

    def test_owner_reads(self):
        played, replay = card("What the owner reads")
        entry = log.read(owner(played), 0)
        self.assertEqual(entry["merchant"], "Dairy".encode())
        self.assertEqual(list(entry["transaction given again"]), [1, 0])
        found = image.read(owner(played))
        self.assertEqual(found.counters["debited"], 25_284)
        spent, change = found.coins
        self.assertEqual((spent.amount, spent.place, spent.spent_by), (100_000, place(C.RECEIVE, 0), 0))
        self.assertEqual((change.txid, change.amount, change.place), (entry["txid"], 74_716, place(C.CHANGE, 0)))
        self.assertIsNone(change.spent_by)
        self.assertEqual(replay.exchanges, [])

    def test_signing(self):
        played, replay = card("The owner has a transaction signed")
        reads = Card(Replay("What the owner reads").transmit)
        log.read(owner(reads), 0)
        coin = image.read(owner(reads)).coins[1]
        outpoint = coin.txid + coin.vout.to_bytes(4, "big")
        payee = bytes.fromhex("0014" + "66" * 20)
        change = place(C.CHANGE, 1)
        spend = signing.Spend(outpoint, C.TX_SEQUENCE, coin.amount, coin.place)
        sums = signing.start(owner(played), 2, 0, [spend], [signing.Pay(50_000, payee), signing.Pay(24_416, change)])
        self.assertEqual(int.from_bytes(sums["fee"], "big"), 300)
        tx = Transaction(
            2,
            [Input(coin.txid, coin.vout, C.TX_SEQUENCE)],
            [Output(50_000, payee), Output(24_416, ACCOUNT.script(change))],
            0,
        )
        tx = tx._replace(inputs=[tx.inputs[0]._replace(witness=(signing.signature(owner(played), 0),))])
        payment.check_signatures(tx, [Output(coin.amount, ACCOUNT.script(coin.place))])
        self.assertEqual(replay.exchanges, [])

    @in_version_of_text
    def test_owner_mends(self):
        played, replay = card("What the owner mends")
        keeper = owner(played)
        limits = keeper.read_limits()
        self.assertEqual(fields.decode(C.LIMITS, limits["limits"]), LIMITS)
        self.assertEqual(limits["policy"], self.policy)
        keeper.new_pin(pin.block("3141"))
        keeper.change_key(NEXT_OWNER)
        record = account.read_account(keeper)
        self.assertEqual(account.account_of(record, NO_LEAF), ACCOUNT)
        self.assertEqual(record["owner key"], crypto.public_key(NEXT_OWNER))
        self.assertEqual(replay.exchanges, [])


if __name__ == "__main__":
    unittest.main()
