#!/usr/bin/env python3
"""The life of a card, over a PC/SC reader: vouched for, issued, filled, paid with, read by its owner.

The card has to be personalised and not issued.
"""

import argparse
import sys
from pathlib import Path

from tillcard import account, constants as C, crypto, fields, identity, image, log, payment, pin, statement
from tillcard.card import Card
from tillcard.errors import Failure, Refused, demand
from tillcard.owner import Owner
from tillcard.payment import Request
from tillcard.reader import Reader
from tillcard.scripts import leaf, place
from tillcard.transaction import Input, Output, Transaction

PIN = "271828"
NETWORK = C.REGTEST
LEAF_BLOCKS = 4320
COIN_AMOUNT = 200_000
AMOUNTS = [25_000, 40_000]
FEE_RATE = 2_000
PAYEE_KEY_PATTERN = 0x42
OTHER_SEQUENCE = 0xFFFFFFFF
POLICY = 1 << C.POLICY_STATEMENTS
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


class Story:
    """What the people of the story know, and the card between them."""

    def __init__(self, reader: Reader, root):
        self.reader, self.root = reader, root
        self.card = Card(reader.transmit)
        self.owner_secret = crypto.random(C.X_ONLY_LENGTH)
        self.leaf = leaf(C.LEAF_KEY_LATER, LEAF_BLOCKS, crypto.public_key(crypto.random(C.X_ONLY_LENGTH)))
        self.chain: dict[bytes, Output] = {}
        self.payments: list[tuple[Request, payment.Offer, Transaction]] = []

    def play(self) -> None:
        self.meet()
        self.vouch()
        self.issue()
        self.fill()
        self.pay()
        self.pay_torn()
        self.state()
        self.read()
        self.acknowledge()
        self.read_account()
        self.try_plain()

    def meet(self) -> None:
        card = self.card
        card.select()
        demand(tuple(card.version) == (C.MAJOR, C.MINOR), f"the card has version {card.version.hex()}, not 0.3")
        demand(card.can(C.CAP_CHANNEL) and card.can(C.CAP_STATEMENTS), "the card has no channel or no statements")
        capabilities = card.capabilities()
        demand(capabilities["version"] == card.version, "the capabilities tell another version")
        demand(int.from_bytes(capabilities["capabilities"], "big") == card.features, "the capabilities disagree with SELECT")
        demand(card.status()["state"] == C.FACTORY, "the card isn't in the factory state")
        say("a card of version 0.3 in the factory state")

    def vouch(self) -> None:
        self.identity_key = identity.read_key(self.card, C.IDENTITY_KEY, self.root, NETWORK)
        self.agreement_key = identity.read_key(self.card, C.AGREEMENT_KEY, self.root, NETWORK)
        say("its certificates hang from the root")
        self.channel()
        identity.prove_genuine(self.card, self.identity_key)
        say("genuine, and at this channel's other end")

    def issue(self) -> None:
        record = account.issue_made(self.card, crypto.random(C.X_ONLY_LENGTH), {
            "network": NETWORK,
            "owner key": crypto.public_key(self.owner_secret),
            "leaf": self.leaf,
            "PIN block": pin.block(PIN),
            "limits": fields.encode(C.LIMITS, LIMITS),
            "policy": POLICY.to_bytes(1, "big"),
        })
        demand(record["identity key"] == self.identity_key, "the issue record is of another identity key")
        demand(record["agreement key"] == self.agreement_key, "the issue record is of another agreement key")
        self.record = record
        self.account = account.account_of(record, self.leaf)
        status = self.card.status()
        demand(status["state"] == C.ISSUED and status["network"] == NETWORK, "the card isn't issued")
        demand(status["policy"][0] == POLICY, "the card has another policy")
        say(f"issued; P = C + h·G, record signed; card id {self.account.card_id.hex()}")

    def fill(self) -> None:
        owner = self.owner()
        limits = owner.read_limits()
        demand(fields.decode(C.LIMITS, limits["limits"]) == LIMITS, "the card has other limits")
        self.first = place(C.RECEIVE, 0)
        coin = Output(COIN_AMOUNT, self.account.script(self.first))
        source = Input(crypto.random(C.TXID_LENGTH), 0, OTHER_SEQUENCE)
        tx = Transaction(C.TX_VERSION, [source], [coin], C.TX_LOCK_TIME)
        demand(owner.enter_coin(tx.txid, 0, self.first, tx.encode()) == COIN_AMOUNT, "a coin of another amount entered")
        self.add_to_chain(tx)
        say(f"a coin of {COIN_AMOUNT} sat entered")

    def pay(self) -> None:
        self.channel()
        request, offer = self.offer(AMOUNTS[0])
        self.check(request, offer, payment.pay(self.card, request))
        say(f"paid {request.amount} sat, fee {offer.fee}, change {offer.change}; the transaction is valid")

    def pay_torn(self) -> None:
        self.channel()
        request, offer = self.offer(AMOUNTS[1])
        self.card.first_bytes(C.PAY, request.encode(), le=1)
        self.reader.reset()
        say("the power failed while the card answered PAY")
        self.channel()
        tx = payment.pay(self.card, request)
        self.check(request, offer, tx)
        demand(payment.pay(self.card, request).txid == tx.txid, "PAY again made another transaction")
        say(f"paid {request.amount} sat all the same: PAY again, twice, gave the transaction {tx.txid[::-1].hex()}")

    def state(self) -> None:
        _, offer, tx = self.payments[-1]
        facts = statement.statement(self.card, tx.txid, self.identity_key)
        demand((facts["network"], facts["provenance"]) == (NETWORK, C.MADE), "the statement has another network or provenance")
        demand(facts["leaf"] == self.leaf[:len(facts["leaf"])], "the statement has another leaf")
        demand(payment.split(facts["outpoints"], C.OUTPOINT_LENGTH) == offer.outpoints, "the statement is on other coins")
        keys = [self.chain[outpoint].script.removeprefix(C.OUTPUT_SCRIPT) for outpoint in offer.outpoints]
        demand(payment.split(facts["output keys"], C.X_ONLY_LENGTH) == keys, "the statement is on other keys")
        say("the card states that it signs nothing else for these coins")

    def read(self) -> None:
        self.channel()
        owner = self.owner()
        for number, (request, offer, tx) in enumerate(self.payments):
            entry = log.read(owner, number)
            demand((entry["state"], entry["authority"]) == (C.STANDING, C.BY_PIN), "a wrong log entry")
            demand(entry["txid"] == tx.txid, "the log has another txid")
            demand(entry["payee script"] == request.payee, "the log has another payee")
            demand(entry["payment identity"] == request.identity, "the log has another payment identity")
            demand(entry["merchant"] == request.merchant.encode(), "the log has another merchant")
            for name, value in offer._asdict().items():
                if name != "outpoints":
                    demand(int.from_bytes(entry[name], "big") == value, f"the log has another {name}")
            demand(int.from_bytes(entry["fee rate"], "big") == request.fee_rate, "the log has another fee rate")
            demand(payment.split(entry["outpoints"], C.OUTPOINT_LENGTH) == offer.outpoints, "the log has other coins")
            demand(list(entry["transaction given again"]) == [2 * number, 0], "the log counts PAY again otherwise")
        say(f"the log tells {len(self.payments)} payments as they were")
        self.check_image(image.read(owner), kept_from=0, acknowledged=0)
        say("the coin image tells the same")

    def acknowledge(self) -> None:
        owner = self.owner()
        log.acknowledge(owner, seen=len(self.payments), settled=1)
        expect_refusal(C.NOT_FOUND, lambda: log.read(owner, 0))
        self.check_image(image.read(owner), kept_from=1, acknowledged=len(self.payments))
        say("acknowledged; the settled payment and its coin are gone")

    def read_account(self) -> None:
        found = account.read_account(self.owner())
        same = ["P", "chain code", "identity key", "agreement key"]
        demand(all(found[name] == self.record[name] for name in same), "the account isn't the issued one")
        demand(found["salt"] != self.record["salt"], "the salt isn't fresh")
        facts = (found["network"], found["provenance"], found["owner key"], found["leaf"])
        demand(facts == (NETWORK, C.MADE, crypto.public_key(self.owner_secret), self.leaf), "the account has other facts")
        say("the account read again, signed anew")

    def try_plain(self) -> None:
        self.card.select()
        tries = pin.tries_left(self.card)
        expect_refusal(C.NO_AUTHORITY, lambda: pin.verify(self.card, PIN))
        demand(pin.tries_left(self.card) == tries, "the refused VERIFY used up a try")
        say("without a channel the card takes no PIN")

    def channel(self) -> None:
        """A new session: the application selected, and a channel open."""
        self.card.select()
        self.card.open_channel(self.agreement_key)

    def owner(self) -> Owner:
        return Owner(self.card, self.owner_secret, NETWORK, self.account.card_id)

    def offer(self, amount: int) -> tuple[Request, payment.Offer]:
        payee = C.OUTPUT_SCRIPT + crypto.public_key(bytes([PAYEE_KEY_PATTERN] * C.X_ONLY_LENGTH))
        request = Request(amount, FEE_RATE, payee, crypto.random(C.IDENTITY_LENGTH), merchant="Käserei")
        pin.verify(self.card, PIN)
        offer = payment.preview(self.card, request)
        payment.check_offer(offer, request)
        demand(all(outpoint in self.chain for outpoint in offer.outpoints), "the card offers coins that it hasn't")
        return request, offer

    def check(self, request: Request, offer: payment.Offer, tx: Transaction) -> None:
        change = payment.check_payment(tx, request, offer, self.chain)
        own = self.account.script(place(C.CHANGE, len(self.payments)))
        demand(change is not None and change.script == own, "the change goes to another script than the account's")
        self.payments.append((request, offer, tx))
        self.add_to_chain(tx)

    def add_to_chain(self, tx: Transaction) -> None:
        for vout, output in enumerate(tx.outputs):
            self.chain[Input(tx.txid, vout, 0).outpoint] = output

    def check_image(self, found: image.Image, kept_from: int, acknowledged: int) -> None:
        expected = {
            "image version": C.IMAGE_VERSION,
            "next receive index": 1,
            "next change index": len(self.payments),
            "debited": sum(offer.amount + offer.fee for _, offer, _ in self.payments),
            "payments": len(self.payments),
            "payments without PIN": 0,
            "first kept": kept_from,
            "first not acknowledged": acknowledged,
            "next sequence number": len(self.payments),
            "number of coins": len(self.payments) + 1 - kept_from,
        }
        for name, value in expected.items():
            demand(found.counters[name] == value, f"the image has {name} {found.counters[name]}, not {value}")
        demand(sorted(found.coins) == sorted(self.coins()[kept_from:]), "the image has other coins")

    def coins(self) -> list[image.Coin]:
        """Each payment spends the one coin that there is, and makes the next."""
        places = [self.first] + [place(C.CHANGE, number) for number in range(len(self.payments))]
        coins = []
        for number, where in enumerate(places):
            script = self.account.script(where)
            outpoint, output = next((key, value) for key, value in self.chain.items() if value.script == script)
            txid, vout = outpoint[:C.TXID_LENGTH], int.from_bytes(outpoint[C.TXID_LENGTH:], "big")
            spent_by = number if number < len(self.payments) else None
            coins.append(image.Coin(txid, vout, output.amount, where, spent_by, doubtful=False, unrooted=False))
        return coins


def expect_refusal(status: bytes, action) -> None:
    try:
        action()
    except Refused as refusal:
        demand(refusal.status == status, f"refused with {refusal.status.hex().upper()}, not {status.hex().upper()}")
    else:
        raise Failure(f"done, where {status.hex().upper()} was expected")


def say(line: str) -> None:
    print("ok:", line, flush=True)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--reader", required=True, metavar="NAME", help="the reader's name, or a part of it")
    arguments.add_argument("--root", required=True, type=Path, help="file of the root certificate, PEM or DER")
    chosen = arguments.parse_args()
    try:
        reader = Reader(chosen.reader)
        try:
            Story(reader, identity.load_root(chosen.root.read_bytes())).play()
        finally:
            reader.close()
    except (Failure, OSError) as error:
        print("failed:", error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
