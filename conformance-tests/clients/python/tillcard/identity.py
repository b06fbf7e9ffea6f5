"""Who vouches for a card, and the card's proof that it is the one vouched for."""

from datetime import datetime, timezone

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import constants as C
from . import crypto, tlv
from .card import Card
from .errors import Failure, demand

USAGES = [
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign",
]


def load_root(data: bytes) -> x509.Certificate:
    """A root certificate, PEM or DER."""
    try:
        load = x509.load_pem_x509_certificate if data.startswith("-----BEGIN".encode()) else x509.load_der_x509_certificate
        return load(data)
    except ValueError as error:
        raise Failure("the root is not a certificate") from error


def read_key(card: Card, which: bytes, root: x509.Certificate, network: bytes) -> bytes:
    """The card's identity or agreement key, once its chain of certificates is checked."""
    demand(network != C.MAINNET or not is_test_root(root), "the test root vouches for nothing on mainnet")
    answer = card.command(C.CERTIFICATES, C.CERTIFICATE_OF + which)
    try:
        batch, leaf = map(x509.load_der_x509_certificate, _sequences(answer))
    except ValueError as error:
        raise Failure("the card's certificates can't be read") from error
    wanted = "digital_signature" if which == C.IDENTITY_KEY else "key_agreement"
    _check(batch, root, {"key_cert_sign", "crl_sign"}, path_length=C.BATCH_PATH_LENGTH)
    _check(leaf, batch, {wanted}, path_length=None)
    return _point(leaf)


def prove_genuine(card: Card, identity_key: bytes) -> None:
    """The card signs a fresh challenge, for this session."""
    challenge = crypto.random(C.GENUINE_CHALLENGE)
    answer = tlv.decode(C.GENUINE_ANSWER, card.command(C.GENUINE, challenge))
    digest = crypto.tagged_hash(C.GENUINE_TAG, card.version + card.session + challenge + answer["salt"])
    demand(crypto.verify_p256(identity_key, digest, answer["signature"]), "the proof of genuineness is wrong")


def is_test_root(root: x509.Certificate) -> bool:
    secret = int.from_bytes(crypto.tagged_hash(C.TEST_ROOT_TAG, b""), "big")
    return root.public_key().public_numbers() == ec.derive_private_key(secret, ec.SECP256R1()).public_key().public_numbers()


def _check(certificate: x509.Certificate, issuer: x509.Certificate, usages: set[str], path_length: int | None) -> None:
    name = certificate.subject.rfc4514_string()
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    demand(certificate.not_valid_before <= now <= certificate.not_valid_after, f"{name} isn't valid today")
    demand(certificate.issuer == issuer.subject, f"{name} names another issuer")
    try:
        issuer.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(SHA256()))
    except InvalidSignature as error:
        raise Failure(f"the signature of {name} is wrong") from error
    usage = _extension(certificate, x509.KeyUsage)
    demand(usage is not None and usage.critical, f"{name} has no critical key usage")
    demand({each for each in USAGES if getattr(usage.value, each)} == usages, f"{name} has another key usage")
    constraints = _extension(certificate, x509.BasicConstraints)
    authority = constraints is not None and constraints.value.ca
    demand(authority == ("key_cert_sign" in usages), f"{name} is, or isn't, an authority")
    demand(path_length is None or constraints.value.path_length == path_length, f"{name} has another path length")
    _point(certificate)


def _extension(certificate: x509.Certificate, kind: type) -> x509.Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def _point(certificate: x509.Certificate) -> bytes:
    key = certificate.public_key()
    demand(isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1), "a key that isn't of P-256")
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def _sequences(data: bytes) -> list[bytes]:
    """Two DER structures, one after the other."""
    parts = []
    while data:
        demand(len(data) > 1, "certificates cut short")
        # A first byte of the length from 80 on tells how many bytes of length follow.
        count = max(data[1] - C.SHORT_LENGTHS, 0)
        length = int.from_bytes(data[2:2 + count], "big") if count else data[1]
        parts.append(data[:2 + count + length])
        data = data[2 + count + length:]
    demand(len(parts) == 2, "not two certificates")
    return parts
