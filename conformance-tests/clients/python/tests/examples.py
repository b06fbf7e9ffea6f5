"""The text's worked examples, replayed to a client, and the people and secrets in them."""

import re
import unittest

from check_constants import TEXT
from tillcard import constants as C
from tillcard.card import Card, apdu
from tillcard.owner import Owner
from tillcard.payment import Request
from tillcard.scripts import Account, leaf, place
from tillcard.transaction import Output

OWNER = bytes.fromhex("11" * 32)
CHAIN_CODE = bytes.fromhex("C61A8F27E98182314D2444DA3E600EB5836EC8AD183C86C311F95DF8082B18AA")
NO_LEAF = leaf(C.LEAF_NONE, 0, bytes(32))
ACCOUNT = Account(bytes.fromhex("03418278A2885C8BB98148158D1474634097A179C642F23CF1CC04DA629AC6F0FB"), CHAIN_CODE, NO_LEAF)
COIN = Output(100_000, ACCOUNT.script(place(C.RECEIVE, 0)))
REQUEST = Request(25_000, 2_000, bytes.fromhex("0014" + "44" * 20), bytes.fromhex("55" * 16), merchant="Dairy")


class Replay:
    """Stands for the card: demands the examples' commands, gives their responses."""

    def __init__(self, *titles: str):
        lines = [line for title in titles for line in script(title)]
        self.exchanges = pairs(lines, "")
        self.inside = pairs(lines, "plain ")

    def transmit(self, command: bytes) -> bytes:
        expected, response = self.exchanges.pop(0)
        same(command, expected)
        return response

    def watch(self, card: Card) -> None:
        """Compares what the card's channel carries with the examples' plain lines."""
        protect, unprotect = card.channel.protect, card.channel.unprotect

        def watched_protect(header: bytes, data: bytes) -> tuple[bytes, bytes]:
            same(apdu(header, data, C.SHORT_LE), self.inside[0][0])
            return protect(header, data)

        def watched_unprotect(answer: bytes, status: bytes) -> bytes:
            plain = unprotect(answer, status)
            same(plain + status, self.inside.pop(0)[1])
            return plain

        card.channel.protect, card.channel.unprotect = watched_protect, watched_unprotect


class ExampleTest(unittest.TestCase):
    """A test that plays examples, to their ends."""

    def play(self, *titles: str, select: bool = False) -> tuple[Card, Replay]:
        """A card that plays these examples; selected by their first command, or before."""
        replay = Replay(*titles)
        self.addCleanup(lambda: self.assertEqual(replay.exchanges + replay.inside, [], "not all was played"))
        card = Card(replay.transmit)
        if select:
            card.select()
        else:
            selected = Card(Replay("A card in the factory state").transmit)
            selected.select()
            card.version = selected.version
        return card, replay

    def owner(self, card: Card, secret: bytes = OWNER) -> Owner:
        return Owner(card, secret, C.REGTEST, ACCOUNT.card_id, random=bytes)


def titles() -> list[str]:
    return re.findall(r"^### 13\.\d+ (.*)$", TEXT.read_text(), re.M)


def script(title: str) -> list[tuple[str, bytes]]:
    """The lines of an example, found by the words of its heading: what goes before the bytes, and these."""
    body = re.search(rf"^### 13\.\d+ {re.escape(title)}$.*?^```text$(.*?)^```$", TEXT.read_text(), re.M | re.S)[1]
    joined = re.sub(r"\n +", " ", body)
    return [(mark, bytes.fromhex(line)) for mark, line in re.findall(r"^((?:plain )?[<>]) (.*)$", joined, re.M)]


def pairs(lines: list[tuple[str, bytes]], kind: str) -> list[tuple[bytes, bytes]]:
    """Commands with their responses, either those sent or those inside a channel."""
    commands = [line for mark, line in lines if mark == kind + ">"]
    responses = [line for mark, line in lines if mark == kind + "<"]
    return list(zip(commands, responses, strict=True))


def same(sent: bytes, expected: bytes) -> None:
    if sent != expected:
        raise AssertionError(f"the text has {expected.hex(' ').upper()}, not {sent.hex(' ').upper()}")
