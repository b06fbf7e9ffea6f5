#!/usr/bin/env python3
"""Speaks for the card on standard input and output, as the suite's target `command:` has it.

A frame is a byte that says what it is, a length of four bytes, big-endian, and so many bytes.
From the suite: `N` a card that was never issued, with the seed of its random source; `R` power
off and on; `A` a command APDU. The answers, without the first byte: the ATR, the ATR, the
response APDU.
"""

import argparse
import sys

from card import capabilities
from card.card import Card
from card.randomness import SeededSource

HEAD = 5


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--coins", type=int, default=300, help="coins that it can hold")
    parser.add_argument("--unrooted", type=int, default=16, help="unrooted ones among them")
    parser.add_argument("--payments", type=int, default=64, help="payments that its log can hold")
    parser.add_argument(
        "--without", type=int, action="append", default=[], metavar="BIT", help="a capability that it leaves out"
    )
    return parser.parse_args()


def main() -> None:
    told = arguments()
    bits = capabilities.ALL & ~sum(1 << bit for bit in told.without)
    card = None
    while head := sys.stdin.buffer.read(HEAD):
        kind, data = head[:1], sys.stdin.buffer.read(int.from_bytes(head[1:], "big"))
        if kind == b"N":
            card = Card(SeededSource(data), bits, told.coins, told.unrooted, told.payments)
        answer = card.transmit(data) if kind == b"A" else card.reset()
        sys.stdout.buffer.write(len(answer).to_bytes(4, "big") + answer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
