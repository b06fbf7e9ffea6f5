"""Tagged hashes and BIP340 signatures over secp256k1, and ECDSA signatures over P-256."""

import secrets
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import constants as C
from . import secp256k1 as curve
from .errors import Failure
from .integers import uint
from .standards import AUX_TAG, CHALLENGE_TAG, FIELD, NONCE_TAG, ORDER


def tagged_hash(tag: str, message: bytes) -> bytes:
    prefix = sha256(tag.encode()).digest()
    return sha256(prefix + prefix + message).digest()


def random(length: int) -> bytes:
    return secrets.token_bytes(length)


def public_key(secret: bytes) -> bytes:
    return curve.x_only(curve.multiply(uint(secret)))


def sign(secret: bytes, message: bytes, aux: bytes) -> bytes:
    d = uint(secret)
    point = curve.multiply(d)
    if point[1] % 2:
        d = ORDER - d
    masked = d ^ uint(tagged_hash(AUX_TAG, aux))
    k = _number(NONCE_TAG, curve.scalar(masked) + curve.x_only(point) + message)
    nonce = curve.multiply(k)
    if nonce[1] % 2:
        k = ORDER - k
    r = curve.x_only(nonce)
    e = _number(CHALLENGE_TAG, r + curve.x_only(point) + message)
    return r + curve.scalar((k + e * d) % ORDER)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """A BIP340 signature by an x-only key."""
    if len(signature) != C.SIGNATURE_LENGTH or len(key) != C.X_ONLY_LENGTH:
        return False
    r, s = _halves(signature)
    try:
        point = curve.lift_x(uint(key))
    except Failure:
        return False
    if r >= FIELD or s >= ORDER:
        return False
    e = _number(CHALLENGE_TAG, curve.scalar(r) + key + message)
    nonce = curve.add(curve.multiply(s), curve.negate(curve.multiply(e, point)))
    return nonce is not None and nonce[1] % 2 == 0 and nonce[0] == r


def verify_p256(key: bytes, digest: bytes, signature: bytes) -> bool:
    """An ECDSA signature r ‖ s of a digest, by a P-256 key as a point."""
    der = encode_dss_signature(*_halves(signature))
    try:
        p256(key).verify(der, digest, ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


def p256(point: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise Failure("a point that isn't on P-256") from error


def p256_secret(secret: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(uint(secret), ec.SECP256R1())


def compressed(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def _number(tag: str, message: bytes) -> int:
    return uint(tagged_hash(tag, message)) % ORDER


def _halves(signature: bytes) -> tuple[int, int]:
    middle = len(signature) // 2
    return uint(signature[:middle]), uint(signature[middle:])
