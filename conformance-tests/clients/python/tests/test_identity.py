"""Chains of certificates, good and bad."""

import unittest
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from tillcard import constants as C, crypto, identity
from tillcard.card import Card
from tillcard.errors import Failure

ALL = identity.USAGES + ["encipher_only", "decipher_only"]


def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificate(subject, subject_key, issuer, issuer_key, usages, ca=None, until=datetime(9999, 12, 31), critical=True):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(subject_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1))
        .not_valid_after(until)
        .add_extension(x509.KeyUsage(**{each: each in usages for each in ALL}), critical=critical)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=ca), critical=True)
    return builder.sign(issuer_key, SHA256())


class Identity(unittest.TestCase):
    signers = ["key_cert_sign", "crl_sign"]

    def setUp(self):
        self.root_key, self.batch_key, self.card_key = key(), key(), key()
        self.root = certificate("root", self.root_key, "root", self.root_key, self.signers, ca=1)
        self.batch = certificate("batch", self.batch_key, "root", self.root_key, self.signers, ca=0)
        self.leaf = certificate("card", self.card_key, "batch", self.batch_key, ["digital_signature"])

    def read(self, which=C.IDENTITY_KEY, root=None, network=C.REGTEST) -> bytes:
        answer = b"".join(each.public_bytes(Encoding.DER) for each in (self.batch, self.leaf))
        parts = [answer[at:at + 256] for at in range(0, len(answer), 256)]
        # Parts as section 2.2 gives them.
        left = [sum(map(len, parts[at + 1:])) for at in range(len(parts))]
        answers = [part + (bytes([0x61, min(rest, 256) % 256]) if rest else C.DONE) for part, rest in zip(parts, left)]
        return identity.read_key(Card(lambda command: answers.pop(0)), which, root or self.root, network)

    def test_good(self):
        self.assertEqual(len(self.read()), C.POINT_LENGTH)

    def test_key_of_another_use(self):
        with self.assertRaisesRegex(Failure, "key usage"):
            self.read(which=C.AGREEMENT_KEY)

    def test_other_root(self):
        other = key()
        with self.assertRaisesRegex(Failure, "signature"):
            self.read(root=certificate("root", other, "root", other, self.signers, ca=1))

    def test_leaf_of_another_batch(self):
        self.leaf = certificate("card", self.card_key, "batch", key(), ["digital_signature"])
        with self.assertRaisesRegex(Failure, "signature"):
            self.read()

    def test_batch_that_may_have_batches(self):
        self.batch = certificate("batch", self.batch_key, "root", self.root_key, self.signers, ca=1)
        with self.assertRaisesRegex(Failure, "path length"):
            self.read()

    def test_batch_that_is_no_authority(self):
        self.batch = certificate("batch", self.batch_key, "root", self.root_key, self.signers)
        with self.assertRaisesRegex(Failure, "authority"):
            self.read()

    def test_usage_that_is_not_critical(self):
        self.leaf = certificate("card", self.card_key, "batch", self.batch_key, ["digital_signature"], critical=False)
        with self.assertRaisesRegex(Failure, "critical"):
            self.read()

    def test_out_of_date(self):
        self.leaf = certificate("card", self.card_key, "batch", self.batch_key, ["digital_signature"], until=datetime(2021, 1, 1))
        with self.assertRaisesRegex(Failure, "today"):
            self.read()

    def test_root_on_mainnet(self):
        secret = int.from_bytes(crypto.tagged_hash("Tillcard/test-root", b""), "big")
        self.root_key = ec.derive_private_key(secret, ec.SECP256R1())
        self.root = certificate("root", self.root_key, "root", self.root_key, self.signers, ca=1)
        self.batch = certificate("batch", self.batch_key, "root", self.root_key, self.signers, ca=0)
        self.read()
        with self.assertRaisesRegex(Failure, "mainnet"):
            self.read(network=C.MAINNET)


if __name__ == "__main__":
    unittest.main()
