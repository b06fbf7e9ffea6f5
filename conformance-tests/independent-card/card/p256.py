"""The curve P-256 and its ECDSA (FIPS 186-5, RFC 6979). Not in constant time."""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric import ec

from .encoding import number, scalar, u8

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
UNCOMPRESSED = b"\x04"


def _key(secret: int):
    return ec.derive_private_key(secret, ec.SECP256R1())


def compressed(secret: int) -> bytes:
    point = _key(secret).public_key().public_numbers()
    return u8(2 + point.y % 2) + scalar(point.x)


def uncompressed(secret: int) -> bytes:
    point = _key(secret).public_key().public_numbers()
    return UNCOMPRESSED + scalar(point.x) + scalar(point.y)


def is_point(data: bytes) -> bool:
    """Whether these 65 bytes are a point, uncompressed."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError:
        return False
    return data.startswith(UNCOMPRESSED)


def agree(secret: int, point: bytes) -> bytes:
    """x of the common point."""
    other = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    return _key(secret).exchange(ec.ECDH(), other)


def sign_digest(secret: int, digest: bytes, randomness: bytes) -> bytes:
    """r ‖ s, the nonce by RFC 6979 §3.6 with additional data."""
    for nonce in _nonces(secret, digest, randomness):
        r = _key(nonce).public_key().public_numbers().x % ORDER
        s = pow(nonce, -1, ORDER) * (number(digest) + r * secret) % ORDER
        if r and s:
            return scalar(r) + scalar(s)


def _nonces(secret: int, digest: bytes, randomness: bytes):
    def mac(key, message):
        return hmac.new(key, message, hashlib.sha256).digest()

    seed = scalar(secret) + scalar(number(digest) % ORDER) + randomness
    key, value = bytes(32), b"\1" * 32
    for step in (b"\0", b"\1"):
        key = mac(key, value + step + seed)
        value = mac(key, value)
    while True:
        value = mac(key, value)
        if 0 < number(value) < ORDER:
            yield number(value)
        key = mac(key, value + b"\0")
        value = mac(key, value)
