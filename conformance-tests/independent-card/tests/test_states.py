"""Every command in every state, role and kind of session: section 14."""

import copy
import re
import unittest

from card import p256
from card.card import Card
from card.channel import PARAMETERS
from card.encoding import tlv, u8, u32
from card.randomness import SeededSource

from .terminal import ANY_CARD, LIMITS, OWNER, PIN, STRANGER, Terminal, issue_field, request
from .text import section

STATES = {
    "Factory, the personalisation not ended": "factory",
    "Issued": "issued",
    "PIN blocked": "PIN blocked",
    "Log full": "log full",
    "Terminated": "terminated",
}
NEW_PAYMENT, OLD_PAYMENT = 200, 1


def card_in(state: str) -> Card:
    card = Card(SeededSource(b"states"))
    terminal = Terminal(card)
    terminal.must("00460001")
    if state == "factory":
        return card
    terminal.personalise()
    terminal.must("80100100", issue_field(policy=3))
    for index in range(3):
        terminal.enter(index, 500_000)
    for identity in range(1, 65 if state == "log full" else 2):
        terminal.pay(identity)
    if state == "PIN blocked":
        for _ in range(3):
            terminal.send("00200080", b"\x01")
    if state == "terminated":
        _, status = terminal.by_owner("00FE0000")
        assert status == 0x9000
    return card


def coin() -> bytes:
    return tlv(0x80, b"\x99" * 32) + tlv(0x81, u32(0)) + tlv(0x82, u32(3))


def unsigned() -> bytes:
    return tlv(0x80, u32(2)) + tlv(0x81, u32(0)) + tlv(0x82, u8(1)) + tlv(0x83, u8(1)) + tlv(0x84, bytes(32))


# The rows of the tables: how each command is sent.
PLAIN = {
    "SELECT": ("00A40400", bytes.fromhex("F054494C4C43415244")),
    "GET RESPONSE": ("00C00000", b""),
    "GET DATA, status": ("00CA0100", b""),
    "GET DATA, capabilities": ("00CA0101", b""),
    "GET DATA, certificates": ("00CABF21", bytes.fromhex("A60483021301")),
    "INTERNAL AUTHENTICATE, channel": ("80880113", PARAMETERS + p256.uncompressed(5)),
    "INTERNAL AUTHENTICATE, genuineness": ("00880000", bytes(32)),
    "GENERATE ASYMMETRIC KEY PAIR, account": ("00460000", b""),
    "GENERATE ASYMMETRIC KEY PAIR, own keys": ("00460001", b""),
    "PUT DATA": ("00DA0200", b"\x01"),
    "PUT DATA, end": ("00DA02FF", b""),
    "ISSUE, imported": ("80100100", issue_field(policy=3)),
    "VERIFY, right": ("00200080", PIN),
    "VERIFY, without data": ("00200080", b""),
    "GET CHALLENGE": ("00840000", b""),
    "RECEIVE SCRIPT": ("80200000", b""),
    "ENTER COIN, credit": ("80220200", coin()),
    "ENTER COIN, piece": ("80220100", b"\x01"),
    "READ COINS, next": ("80480100", b""),
    "PREVIEW": ("80320000", request(NEW_PAYMENT)),
    "PAY": ("80300000", request(NEW_PAYMENT)),
    "PAY, the same again": ("80300000", request(OLD_PAYMENT)),
    "REPORT ABSENT, nothing offered": ("80340000", tlv(0x80, bytes(36))),
    "GET ANCESTOR, nothing offered": ("80360000", tlv(0x80, bytes(32))),
    "PAY again only, nothing paid": ("80300100", request(NEW_PAYMENT)),
    "PAYMENT STATE": ("80380000", tlv(0x80, bytes(16))),
    "STATEMENT, nothing paid": ("80540000", tlv(0x80, bytes(32)) + tlv(0x81, bytes(32))),
    "SIGN, piece": ("80400100", b"\x01"),
    "SIGN, signature": ("80400200", b""),
    "an instruction of none": ("00EE0000", b""),
}
SIGNED = {
    "RESET RETRY COUNTER, new PIN": ("002C0280", tlv(0x84, PIN)),
    "RESET RETRY COUNTER": ("002C0380", b""),
    "SET POLICY": ("80520000", tlv(0x86, u8(3))),
    "FACTORY RESET": ("80560000", b""),
    "TERMINATE CARD USAGE": ("00FE0000", b""),
    "ENTER COIN": ("80220000", coin()),
    "READ COINS": ("80480000", b""),
    "READ LOG": ("80420000", tlv(0x80, u32(0))),
    "ACKNOWLEDGE LOG": ("80440000", tlv(0x80, u32(0)) + tlv(0x81, u32(0))),
    "SET LIMITS": ("80460000", tlv(0x85, LIMITS)),
    "SIGN": ("80400000", unsigned()),
    "RESOLVE": ("804A0000", tlv(0x80, u32(0))),
    "READ LIMITS": ("804E0000", b""),
    "READ ACCOUNT": ("80500000", b"", ANY_CARD),
}


def answer_of(terminal: Terminal, name: str) -> int:
    if name in PLAIN:
        return terminal.send(*PLAIN[name])[1]
    if name == "CHANGE OWNER KEY":
        return terminal.change_owner_key()[1]
    return terminal.by_owner(*SIGNED[name])[1]


def bring_to(state: str, card: Card, column: str, name: str) -> Terminal:
    """The session of a column, for the command of a row."""
    session, role = column.split(": ")
    terminal = Terminal(card, OWNER if role == "owner" else STRANGER)
    if state in ("issued", "PIN blocked") and name == "SET LIMITS":
        Terminal(card).acknowledge(1)
    if state == "factory" and name == "PUT DATA, end":
        for piece in ("00", "10", "20"):
            terminal.must(f"00DA02{piece}", b"\x01")
    if "bit 0 clear" in session:
        card.memory.owned.policy = 2
    if session.startswith("channel"):
        terminal.open()
    if role == "holder":
        terminal.must("00200080", PIN)
    return terminal


class States(unittest.TestCase):
    def test_each_cell_is_the_text_s(self):
        cells = 0
        for title, table in re.findall(r"^### 14\.\d (.*?)$(.*?)(?=^### |\Z)", section(14), re.M | re.S):
            state = STATES[title]
            first = card_in(state)
            rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
            for name, *expected in rows[1:]:
                for column, status in zip(rows[0][1:], expected, strict=True):
                    card = copy.deepcopy(first)
                    card.reset()
                    terminal = bring_to(state, card, column, name)
                    with self.subTest(state=state, command=name, column=column):
                        self.assertEqual(f"`{answer_of(terminal, name):04X}`", status)
                    cells += 1
        self.assertGreater(cells, 900)


if __name__ == "__main__":
    unittest.main()
