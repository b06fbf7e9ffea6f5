"""Whom a client trusts: a manufacturer's root, and the path of certificates from it to a card's key."""

from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate
from cryptography.x509.oid import SignatureAlgorithmOID

from . import constants as C
from . import crypto
from .errors import Failure, demand

UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)

SIGNS = {"digital_signature"}
AGREES = {"key_agreement"}
ISSUES = {"key_cert_sign", "crl_sign"}
USAGES = [
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign",
]
# These only qualify key_agreement, and can't be asked for without it.
QUALIFIERS = ["encipher_only", "decipher_only"]


class Trust:
    """A root, and what it and its batches revoked; without any such list, revocation isn't checked."""

    def __init__(self, root: bytes, crls: Sequence[bytes] = ()):
        try:
            self.root = _load(root, x509.load_pem_x509_certificate, x509.load_der_x509_certificate)
            self.crls = [_load(crl, x509.load_pem_x509_crl, x509.load_der_x509_crl) for crl in crls]
            _check_root(self.root)
        except UNREADABLE as error:
            raise Failure(f"the root or a CRL can't be read: {error}") from error

    @property
    def is_test_root(self) -> bool:
        """Whether anybody can sign by this root."""
        secret = crypto.p256_secret(crypto.tagged_hash(C.TEST_ROOT_TAG, b""))
        return _point(self.root) == crypto.compressed(secret.public_key())

    def key(self, batch: bytes, card: bytes, usage: set[str]) -> bytes:
        """The key, a point, in a card certificate (DER) under a batch's, for just this usage."""
        try:
            path = [x509.load_der_x509_certificate(each) for each in (batch, card)]
            self._check(path[0], self.root, ISSUES, C.BATCH_PATH_LENGTH)
            self._check(path[1], path[0], usage, None)
        except UNREADABLE as error:
            raise Failure(f"the card's certificates can't be read: {error}") from error
        return _point(path[1])

    def _check(self, certificate: Certificate, issuer: Certificate, usages: set[str], path_length: int | None) -> None:
        """RFC 5280 §6, as far as certificates of section 3.7 need it."""
        name = _name(certificate)
        _check_signature(certificate, issuer)
        _check_time(name, certificate.not_valid_before, certificate.not_valid_after)
        _check_extensions(certificate, usages)
        _check_constraints(certificate, path_length)
        _point(certificate)
        if self.crls:
            self._check_revocation(certificate, issuer)

    def _check_revocation(self, certificate: Certificate, issuer: Certificate) -> None:
        name, key = _name(issuer), issuer.public_key()
        crls = [crl for crl in self.crls if crl.issuer == issuer.subject and crl.is_signature_valid(key)]
        demand(bool(crls), f"no CRL by {name} is given")
        for crl in crls:
            demand(crl.next_update is not None, f"a CRL by {name} doesn't tell until when it holds")
            critical = [each.oid.dotted_string for each in crl.extensions if each.critical]
            demand(not critical, f"a CRL by {name} has the unknown critical extensions {critical}")
            _check_time(f"the CRL by {name}", crl.last_update, crl.next_update)
            entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
            demand(entry is None, f"{_name(certificate)} is revoked")


def _load(data: bytes, pem: Callable, der: Callable):
    return pem(data) if data.startswith("-----BEGIN".encode()) else der(data)


def _check_root(root: Certificate) -> None:
    _point(root)
    _check_signature(root, root)
    _check_constraints(root, C.ROOT_PATH_LENGTH)


def _check_signature(certificate: Certificate, issuer: Certificate) -> None:
    name = _name(certificate)
    demand(certificate.issuer == issuer.subject, f"{name} names another issuer")
    algorithm = certificate.signature_algorithm_oid
    demand(algorithm == SignatureAlgorithmOID.ECDSA_WITH_SHA256, f"{name} isn't signed by ECDSA with SHA-256")
    try:
        issuer.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(SHA256()))
    except InvalidSignature as error:
        raise Failure(f"the signature of {name} is wrong") from error


def _check_time(name: str, begin: datetime, end: datetime) -> None:
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    demand(begin <= now <= end, f"{name} isn't valid today, but from {begin} to {end}")


def _check_extensions(certificate: Certificate, usages: set[str]) -> None:
    """Key usage, and that there is no other critical extension than those that are looked at."""
    name = _name(certificate)
    usage = _extension(certificate, x509.KeyUsage)
    demand(usage is not None and usage.critical, f"{name} has no critical key usage")
    asked = USAGES + QUALIFIERS if usage.value.key_agreement else USAGES
    demand({each for each in asked if getattr(usage.value, each)} == usages, f"{name} has another key usage")
    known = {x509.KeyUsage.oid, x509.BasicConstraints.oid}
    unknown = [each.oid.dotted_string for each in certificate.extensions if each.critical and each.oid not in known]
    demand(not unknown, f"{name} has the unknown critical extensions {unknown}")


def _check_constraints(certificate: Certificate, path_length: int | None) -> None:
    """Basic constraints of an authority of this path length; with None of a card's certificate, which has none."""
    name = _name(certificate)
    constraints = _extension(certificate, x509.BasicConstraints)
    if path_length is None:
        demand(constraints is None, f"{name} has basic constraints, which only authorities have")
        return
    demand(constraints is not None and constraints.critical, f"{name} has no critical basic constraints")
    # An authority without path length, or none at all, has None here.
    demand(constraints.value.path_length == path_length, f"{name} isn't an authority of path length {path_length}")


def _name(certificate: Certificate) -> str:
    return certificate.subject.rfc4514_string()


def _extension(certificate: Certificate, kind: type) -> x509.Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def _point(certificate: Certificate) -> bytes:
    key = certificate.public_key()
    name = _name(certificate)
    p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    demand(p256, f"the key of {name} isn't of P-256")
    written = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    demand(written in certificate.tbs_certificate_bytes, f"the key of {name} isn't written uncompressed")
    return crypto.compressed(key)
