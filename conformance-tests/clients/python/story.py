#!/usr/bin/env python3
"""The life of a card, over a PC/SC reader: vouched for, issued, filled, paid with, read and reset by its owner.

The card has to be personalised and not issued; so it is in the end.
"""

import argparse
import sys
from pathlib import Path

from ledger import Ledger
from tillcard import account, coins, constants as C, crypto, identity, image, limits, log, payment, pin, statement
from tillcard.card import Card
from tillcard.certificates import Trust
from tillcard.errors import Failure, Refused, demand
from tillcard.integers import u8, uint
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
    "highest sum": 0,
    "highest number": 0,
}


class Story:
    """What the people of the story know, and the card between them."""

    def __init__(self, reader: Reader, trust: Trust):
        self.reader, self.trust = reader, trust
        self.card = Card(reader.transmit)
        self.owner_secret = crypto.random(C.X_ONLY_LENGTH)
        self.leaf = leaf(C.LEAF_KEY_LATER, LEAF_BLOCKS, crypto.public_key(crypto.random(C.X_ONLY_LENGTH)))

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
        self.give_away()

    def meet(self) -> None:
        card = self.card
        card.select()
        demand(card.can(C.CAP_CHANNEL) and card.can(C.CAP_STATEMENTS), "the card has no channel or no statements")
        capabilities = card.capabilities()
        demand(capabilities["version"] == card.version, "the capabilities tell another version")
        demand(uint(capabilities["capabilities"]) == card.features, "the capabilities disagree with SELECT")
        demand(card.status()["state"] == C.FACTORY, "the card isn't in the factory state")
        say("a card of this client's version, in the factory state")

    def vouch(self) -> None:
        self.identity_key, self.agreement_key = self.vouched_keys()
        say("its certificates hang from the root")
        self.channel()
        say("genuine, and at this channel's other end")

    def issue(self) -> None:
        record = account.issue_made(self.card, crypto.random(C.X_ONLY_LENGTH), {
            "network": NETWORK,
            "owner key": crypto.public_key(self.owner_secret),
            "leaf": self.leaf,
            "PIN block": pin.block(PIN),
            "limits": limits.encode(LIMITS),
            "policy": u8(POLICY),
        })
        demand(record["identity key"] == self.identity_key, "the issue record is of another identity key")
        demand(record["agreement key"] == self.agreement_key, "the issue record is of another agreement key")
        self.record = record
        self.ledger = Ledger(account.account_of(record, self.leaf))
        status = self.card.status()
        demand(status["state"] == C.ISSUED and status["network"] == NETWORK, "the card isn't issued")
        demand(uint(status["policy"]) == POLICY, "the card has another policy")
        say(f"issued; P = C + h·G, record signed; card id {self.ledger.account.card_id.hex()}")

    def fill(self) -> None:
        owner = self.owner()
        demand(limits.read(owner) == (LIMITS, POLICY), "the card has other limits or another policy")
        where = place(C.RECEIVE, 0)
        coin = Output(COIN_AMOUNT, self.ledger.account.script(where))
        source = Input(crypto.random(C.TXID_LENGTH), 0, OTHER_SEQUENCE)
        tx = Transaction(C.TX_VERSION, [source], [coin], C.TX_LOCK_TIME)
        entered = coins.enter(owner, tx.txid, 0, where, tx.encode())
        demand(entered == COIN_AMOUNT, f"a coin of {entered} sat entered, not of {COIN_AMOUNT}")
        self.ledger.entered(tx)
        say(f"a coin of {COIN_AMOUNT} sat entered")

    def pay(self) -> None:
        self.channel()
        request, offer = self.offer(AMOUNTS[0])
        self.ledger.paid(request, offer, payment.pay(self.card, request))
        say(f"paid {request.amount} sat, fee {offer.fee}, change {offer.change}; the transaction is valid")

    def pay_torn(self) -> None:
        self.channel()
        request, offer = self.offer(AMOUNTS[1])
        self.card.first_bytes(C.PAY, request.encode(), le=1)
        self.reader.reset()
        say("the power failed while the card answered PAY")
        self.channel()
        tx = payment.pay(self.card, request)
        self.ledger.paid(request, offer, tx)
        demand(payment.pay(self.card, request).txid == tx.txid, "PAY again made another transaction")
        say(f"paid {request.amount} sat all the same: PAY again, twice, gave the transaction {tx.txid[::-1].hex()}")

    def state(self) -> None:
        _, offer, tx = self.ledger.payments[-1]
        facts = statement.statement(self.card, tx.txid, self.identity_key)
        demand(facts["network"] == NETWORK and facts["provenance"] == C.MADE, "the statement has another network or key")
        demand(self.leaf.startswith(facts["leaf"]), "the statement has another leaf")
        statement.check_coins(facts, offer.outpoints, self.ledger.chain)
        say("the card states that it signs nothing else for these coins")

    def read(self) -> None:
        self.channel()
        owner = self.owner()
        for number in range(len(AMOUNTS)):
            # The second payment was given twice more.
            self.ledger.check_log_entry(number, log.read(owner, number), given_again=2 * number)
        say(f"the log tells {len(AMOUNTS)} payments as they were")
        self.ledger.check_image(image.read(owner), kept_from=0, acknowledged=0)
        say("the coin image tells the same")

    def acknowledge(self) -> None:
        owner = self.owner()
        log.acknowledge(owner, seen=len(AMOUNTS), settled=1)
        expect_refusal(C.NOT_FOUND, lambda: log.read(owner, 0))
        self.ledger.check_image(image.read(owner), kept_from=1, acknowledged=len(AMOUNTS))
        say("acknowledged; the settled payment and its coin are gone")

    def read_account(self) -> None:
        network = self.card.status()["network"]
        found = account.read_account(Owner(self.card, self.owner_secret, network))
        same = ["P", "chain code", "identity key", "agreement key"]
        demand(all(found[name] == self.record[name] for name in same), "the account isn't the issued one")
        demand(found["salt"] != self.record["salt"], "the salt isn't fresh")
        key = crypto.public_key(self.owner_secret)
        facts = {"network": NETWORK, "provenance": C.MADE, "owner key": key, "leaf": self.leaf}
        for name, value in facts.items():
            demand(found[name] == value, f"the account has {name} {found[name].hex()}, not {value.hex()}")
        say("the account read again, signed anew")

    def try_plain(self) -> None:
        self.card.select()
        tries = pin.tries_left(self.card)
        expect_refusal(C.NO_AUTHORITY, lambda: pin.verify(self.card, PIN))
        demand(pin.tries_left(self.card) == tries, "the refused VERIFY used up a try")
        say("without a channel the card takes no PIN")

    def give_away(self) -> None:
        self.channel()
        self.owner().factory_reset()
        demand(self.card.status() == {"state": C.FACTORY}, "the card isn't in the factory state after its reset")
        identity.prove_genuine(self.card, self.identity_key)
        same = self.vouched_keys() == (self.identity_key, self.agreement_key)
        demand(same, "the card has other certificates after its reset")
        say("reset to the factory state; keys and certificates of its own, and the channel, are as before")

    def vouched_keys(self) -> tuple[bytes, ...]:
        both = (C.IDENTITY_KEY, C.AGREEMENT_KEY)
        return tuple(identity.vouched_key(self.card, which, self.trust, NETWORK) for which in both)

    def channel(self) -> None:
        """A new session: the application selected, and a channel open to the card that was vouched for."""
        self.card.select()
        self.card.open_channel(self.agreement_key)
        identity.prove_genuine(self.card, self.identity_key)

    def owner(self) -> Owner:
        return Owner(self.card, self.owner_secret, NETWORK, self.ledger.account.card_id)

    def offer(self, amount: int) -> tuple[Request, payment.Offer]:
        payee = C.OUTPUT_SCRIPT + crypto.public_key(bytes([PAYEE_KEY_PATTERN] * C.X_ONLY_LENGTH))
        request = Request(amount, FEE_RATE, payee, crypto.random(C.IDENTITY_LENGTH), merchant="Käserei")
        pin.verify(self.card, PIN)
        offer = payment.preview(self.card, request)
        payment.check_offer(offer, request)
        known = self.ledger.chain
        demand(all(each in known for each in offer.outpoints), "the card offers coins that it hasn't")
        return request, offer


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
    arguments.add_argument(
        "--crl", type=Path, action="append", default=[], metavar="FILE",
        help="a CRL of root or batch, PEM or DER; when one is given, both are needed",
    )
    chosen = arguments.parse_args()
    try:
        trust = Trust(chosen.root.read_bytes(), [path.read_bytes() for path in chosen.crl])
        reader = Reader(chosen.reader)
        try:
            Story(reader, trust).play()
        finally:
            reader.close()
    except (Failure, OSError) as error:
        print("failed:", error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
