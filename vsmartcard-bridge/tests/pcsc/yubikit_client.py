"""A client of SCP11b that was written for other cards (Yubico's yubikit), unchanged: opens a
channel to the card in the first slot of the virtual reader and works in it, with short and with
extended APDUs.

usage: yubikit_client.py
PYTHONPATH must hold yubikit. Prints "opened" twice, or ends with what it found instead.
"""

import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from smartcard.System import readers
from yubikit.core import TRANSPORT, Version
from yubikit.core.smartcard import ApduError, SmartCardConnection, SmartCardProtocol
from yubikit.core.smartcard.scp import KeyRef, Scp11KeyParams

AID = b"\xf0TILLCARD"
AGREEMENT_KEY = KeyRef(0x13, 0x01)


def check(got, wanted, what):
    if got != wanted:
        sys.exit(f"{what}: {got!r} instead of {wanted!r}")


class Connection(SmartCardConnection):
    """What yubikit sends through: a card by pyscard."""

    transport = TRANSPORT.USB

    def __init__(self, reader):
        self.card = reader.createConnection()
        self.card.connect()

    def send_and_receive(self, apdu):
        answer, sw1, sw2 = self.card.transmit(list(apdu))
        return bytes(answer), sw1 << 8 | sw2

    def close(self):
        self.card.disconnect()


def certificates(protocol, key):
    """The batch's certificate and that of a key."""
    reference = b"\xa6\x04\x83\x02" + bytes(key)
    der = protocol.send_apdu(0x00, 0xCA, 0xBF, 0x21, reference)
    found = []
    while der:
        # A sequence with a length of two bytes, as certificates are.
        check(der[:2], b"\x30\x82", "a certificate")
        length = 4 + int.from_bytes(der[2:4], "big")
        found.append(x509.load_der_x509_certificate(der[:length]))
        der = der[length:]
    return found


def refused(protocol, status, *command):
    try:
        answer = protocol.send_apdu(*command)
    except ApduError as error:
        check(f"{error.sw:04X}", status, f"status word of {command}")
    else:
        sys.exit(f"{command} was answered {answer.hex()} instead of {status}")


def signed(certificate, by):
    by.public_key().verify(
        certificate.signature,
        certificate.tbs_certificate_bytes,
        ec.ECDSA(certificate.signature_hash_algorithm),
    )


def work(force_short):
    reader = next(reader for reader in readers() if str(reader) == "Virtual PCD 00 00")
    connection = Connection(reader)
    protocol = SmartCardProtocol(connection)
    protocol.configure(Version(5, 7, 2), force_short)
    protocol.select(AID)
    batch, card = certificates(protocol, AGREEMENT_KEY)
    signed(card, batch)
    status = protocol.send_apdu(0x00, 0xCA, 0x01, 0x00)
    check(status.hex(), "800100", "status in a plain session")

    protocol.init_scp(Scp11KeyParams(AGREEMENT_KEY, card.public_key()))
    # An answer without data; one with; refusals between; one that takes several blocks; and one
    # that takes several responses.
    check(protocol.send_apdu(0x00, 0xCA, 0x01, 0x00), status, "status in the channel")
    refused(protocol, "6A88", 0x00, 0xCA, 0x01, 0x02)
    refused(protocol, "6D00", 0x80, 0x99, 0x00, 0x00)
    refused(protocol, "6985", 0x00, 0x20, 0x00, 0x80, b"\x24\x12\x34" + b"\xff" * 5)
    inside = certificates(protocol, AGREEMENT_KEY)
    check(
        [one.public_bytes(Encoding.DER) for one in inside],
        [one.public_bytes(Encoding.DER) for one in (batch, card)],
        "certificates in the channel",
    )
    proof = protocol.send_apdu(0x00, 0x88, 0x00, 0x00, os.urandom(32))
    check((len(proof), proof[:2].hex(), proof[18:20].hex()), (84, "8010", "8140"), "a proof")
    check(len(protocol.send_apdu(0x00, 0x46, 0x00, 0x00)), 38, "length of a commitment")

    # A plain command closes the channel; after SELECT all begins anew.
    check(connection.send_and_receive(bytes.fromhex("00CA010000")), (b"", 0x6982), "in clear")
    refused(protocol, "6982", 0x00, 0xCA, 0x01, 0x00)
    protocol.select(AID)
    check(protocol.send_apdu(0x00, 0xCA, 0x01, 0x00), status, "status in a new session")

    # Whoever has the certificate of another key is told by the receipt.
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    try:
        protocol.init_scp(Scp11KeyParams(AGREEMENT_KEY, other))
    except Exception as error:
        check(type(error).__name__, "InvalidSignature", "the wrong key's error")
    else:
        sys.exit("a channel opened for another key than the card's")
    connection.close()
    print("opened")


work(force_short=True)
work(force_short=False)
