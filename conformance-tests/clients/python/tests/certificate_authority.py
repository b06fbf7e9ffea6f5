"""A manufacturer's root, batch and card certificates for tests, good unless told otherwise."""

from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tillcard import tlv
from tillcard.certificates import AGREES, ISSUES, QUALIFIERS, SIGNS, USAGES

NEVER = datetime(9999, 12, 31, 23, 59, 59)
NOW = datetime.now(timezone.utc).replace(tzinfo=None)
YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)


def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificate(
    subject, subject_key, issuer, issuer_key, usages, path_length=None,
    until=NEVER, critical=True, critical_constraints=True, hash=SHA256, more=(),
) -> x509.Certificate:
    everything = USAGES + QUALIFIERS
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(subject_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(YESTERDAY)
        .not_valid_after(until)
        .add_extension(x509.KeyUsage(**{each: each in usages for each in everything}), critical)
    )
    if path_length is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical_constraints)
    for extension in more:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(issuer_key, hash())


def crl(issuer: str, issuer_key, *revoked: x509.Certificate, until=TOMORROW, more=()) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(name(issuer)).last_update(YESTERDAY).next_update(until)
    for each in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(each.serial_number).revocation_date(YESTERDAY)
        builder = builder.add_revoked_certificate(entry.build())
    for extension in more:
        builder = builder.add_extension(extension, critical=True)
    return der(builder.sign(issuer_key, SHA256()))


def der(made) -> bytes:
    return made.public_bytes(Encoding.DER)


class Authority:
    """Root and batch, and certificates for a card's two keys."""

    def __init__(self, root_key: ec.EllipticCurvePrivateKey | None = None):
        self.root_key, self.batch_key = root_key or key(), key()
        self.root = certificate("root", self.root_key, "root", self.root_key, ISSUES, path_length=1)
        self.batch = certificate("batch", self.batch_key, "root", self.root_key, ISSUES, path_length=0)

    def identity(self, card_key, **changes) -> x509.Certificate:
        return certificate("card", card_key, "batch", self.batch_key, SIGNS, **changes)

    def agreement(self, card_key, **changes) -> x509.Certificate:
        return certificate("card", card_key, "batch", self.batch_key, AGREES, **changes)


def with_compressed_key(made: x509.Certificate, issuer_key: ec.EllipticCurvePrivateKey) -> bytes:
    """The same certificate with its key written compressed, signed anew."""
    spki = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    point = made.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    algorithm = spki[2:23]
    shorter = sequence(algorithm + bytes.fromhex("032200") + point)
    tbs = made.tbs_certificate_bytes
    header = 2 + tbs[1] % 128
    tbs = sequence(tbs[header:].replace(spki, shorter))
    signature = bytes([0]) + issuer_key.sign(tbs, ec.ECDSA(SHA256()))
    ecdsa_with_sha256 = bytes.fromhex("300A06082A8648CE3D040302")
    return sequence(tbs + ecdsa_with_sha256 + bytes([0x03, len(signature)]) + signature)


def sequence(content: bytes) -> bytes:
    return tlv.wrap(b"\x30", content)
