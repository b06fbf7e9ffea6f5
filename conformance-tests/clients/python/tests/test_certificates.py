"""Paths of certificates, good and bad."""

import unittest

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding

from tests.certificate_authority import YESTERDAY, Authority, certificate, crl, der, key, with_compressed_key
from tillcard import crypto
from tillcard.certificates import AGREES, ISSUES, SIGNS, Trust
from tillcard.errors import Failure


class Certificates(unittest.TestCase):
    def setUp(self):
        self.authority = Authority()
        self.card_key = key()
        self.card = self.authority.identity(self.card_key)

    def vouched(self, root=None, crls=(), usage=SIGNS) -> bytes:
        trust = Trust(der(root or self.authority.root), crls)
        return trust.key(der(self.authority.batch), der(self.card), usage)

    def refused(self, why: str, **given) -> None:
        with self.assertRaisesRegex(Failure, why):
            self.vouched(**given)

    def changed_batch(self, **changes) -> None:
        settings = {"usages": ISSUES, "path_length": 0} | changes
        self.authority.batch = certificate("batch", self.authority.batch_key, "root", self.authority.root_key, **settings)

    def test_good(self):
        self.assertEqual(self.vouched(), crypto.compressed(self.card_key.public_key()))

    def test_root_in_pem(self):
        self.assertFalse(Trust(self.authority.root.public_bytes(Encoding.PEM)).is_test_root)

    def test_key_of_another_use(self):
        self.card = self.authority.agreement(self.card_key)
        self.refused("key usage")

    def test_key_of_a_qualified_use(self):
        self.card = self.authority.agreement(self.card_key)
        self.vouched(usage=AGREES)
        qualified = AGREES | {"encipher_only"}
        self.card = certificate("card", self.card_key, "batch", self.authority.batch_key, qualified)
        self.refused("key usage", usage=AGREES)

    def test_other_root(self):
        self.refused("signature", root=Authority().root)

    def test_root_that_is_none(self):
        other = key()
        self.refused("names another issuer", root=self.authority.batch)
        self.refused("path length 1", root=certificate("root", other, "root", other, ISSUES, path_length=0))
        self.refused("no critical basic", root=certificate("root", other, "root", other, ISSUES))
        with self.assertRaisesRegex(Failure, "root or a CRL can't be read"):
            Trust(b"root")

    def test_card_of_another_batch(self):
        self.card = certificate("card", self.card_key, "batch", key(), SIGNS)
        self.refused("signature")
        self.card = certificate("card", self.card_key, "other", self.authority.batch_key, SIGNS)
        self.refused("another issuer")

    def test_batch_that_is_no_authority(self):
        self.changed_batch(path_length=None)
        self.refused("basic constraints")
        self.changed_batch(critical_constraints=False)
        self.refused("critical basic constraints")
        self.changed_batch(path_length=1)
        self.refused("authority of path length 0")
        self.changed_batch(usages={"key_cert_sign"})
        self.refused("key usage")

    def test_card_that_is_an_authority(self):
        self.card = self.authority.identity(self.card_key, path_length=0)
        self.refused("only authorities")

    def test_extensions(self):
        self.card = self.authority.identity(self.card_key, critical=False)
        self.refused("critical key usage")
        self.card = self.authority.identity(self.card_key, more=[x509.OCSPNoCheck()])
        self.refused("unknown critical")

    def test_out_of_date(self):
        self.card = self.authority.identity(self.card_key, until=YESTERDAY)
        self.refused("today")

    def test_other_algorithms(self):
        self.card = self.authority.identity(self.card_key, hash=SHA384)
        self.refused("SHA-256")
        self.card = self.authority.identity(ec.generate_private_key(ec.SECP256K1()))
        self.refused("P-256")

    def test_compressed_key(self):
        trust = Trust(der(self.authority.root))
        with self.assertRaisesRegex(Failure, "uncompressed"):
            trust.key(der(self.authority.batch), with_compressed_key(self.card, self.authority.batch_key), SIGNS)

    def test_unreadable(self):
        with self.assertRaisesRegex(Failure, "can't be read"):
            Trust(der(self.authority.root)).key(b"0\0", der(self.card), SIGNS)

    def test_revocation(self):
        root, batch = self.authority.root_key, self.authority.batch_key
        both = [crl("root", root), crl("batch", batch)]
        self.vouched(crls=both)
        self.refused("no CRL by CN=batch", crls=both[:1])
        self.refused("no CRL by CN=root", crls=[crl("root", batch), both[1]])
        self.refused("CN=card is revoked", crls=[both[0], crl("batch", batch, self.card)])
        self.refused("CN=batch is revoked", crls=[crl("root", root, self.authority.batch), both[1]])
        delta = crl("root", root, more=[x509.DeltaCRLIndicator(1)])
        self.refused("CRL by CN=root has the unknown critical", crls=[delta, both[1]])
        self.refused("CRL by CN=root isn't valid today", crls=[crl("root", root, until=YESTERDAY), both[1]])


if __name__ == "__main__":
    unittest.main()
