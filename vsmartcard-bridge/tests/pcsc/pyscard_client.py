"""A PC/SC client on pyscard: looks at the card in the first slot of the virtual reader.

usage: pyscard_client.py ATR
Prints "healthy", or ends with what it found instead.
"""

import sys

from smartcard.ATR import ATR
from smartcard.CardRequest import CardRequest
from smartcard.CardType import ATRCardType
from smartcard.util import toBytes

AID = list(b"\xf0TILLCARD")
TILLCARD = list(b"Tillcard")


def check(got, wanted, what):
    if got != wanted:
        sys.exit(f"{what}: {got!r} instead of {wanted!r}")


def compact_tlv(data):
    """The objects of historical bytes of category 80 (ISO/IEC 7816-4, 12.1.1)."""
    objects = {}
    while data:
        tag, length = data[0] >> 4, data[0] & 0x0F
        objects[tag] = data[1 : 1 + length]
        check(len(objects[tag]), length, f"length of historical object {tag:X}")
        data = data[1 + length :]
    return objects


atr = toBytes(sys.argv[1])
service = CardRequest(timeout=10, cardType=ATRCardType(atr)).waitforcard()
check(service.connection.getReader(), "Virtual PCD 00 00", "reader")
connection = service.connection
connection.connect()

check(connection.getATR(), atr, "ATR")
answer = ATR(atr)
check(answer.isT1Supported(), True, "T=1")
check(answer.isT0Supported(), False, "T=0")
check(answer.checksumOK, True, "check byte of the ATR")
historical = answer.getHistoricalBytes()
check(historical[0], 0x80, "category of the historical bytes")
objects = compact_tlv(historical[1:])
check(objects[0x5], TILLCARD, "card issuer's data")
check(objects[0x7], [0xC0, 0x01, 0x40], "card capabilities")

select = [0x00, 0xA4, 0x04, 0x00]
fci, sw1, sw2 = connection.transmit(select + [len(AID)] + AID + [0])
check((sw1, sw2), (0x90, 0x00), "SELECT")
check(fci[:2], [0x6F, len(fci) - 2], "FCI template")
check(fci[2:13], [0x84, len(AID)] + AID, "DF name")
check(fci[13:], [0xA5, 10, 0x80, 2, 0, 4, 0x81, 4, 0, 0, 2, 0xFF], "version and capabilities")

partial = AID[:5]
check(connection.transmit(select + [5] + partial + [0])[0], fci, "SELECT by partial AID")
other = [0xF0, 1, 2, 3, 4, 5]
check(connection.transmit(select + [6] + other + [0])[1:], (0x6A, 0x82), "SELECT of another AID")

status, sw1, sw2 = connection.transmit([0x00, 0xCA, 0x01, 0x00, 0x00])
check((status, sw1, sw2), ([0x80, 1, 0], 0x90, 0x00), "status of a factory card")

# The answer to SELECT in two parts.
part, sw1, sw2 = connection.transmit(select + [len(AID)] + AID + [10])
check((part, sw1, sw2), (fci[:10], 0x61, len(fci) - 10), "first part of an answer")
part, sw1, sw2 = connection.transmit([0x00, 0xC0, 0x00, 0x00, len(fci) - 10])
check((part, sw1, sw2), (fci[10:], 0x90, 0x00), "GET RESPONSE")

connection.disconnect()
print("healthy")
