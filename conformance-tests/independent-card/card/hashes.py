"""Hashes (section 1)."""

import hashlib
import hmac


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def double_sha256(data: bytes) -> bytes:
    return sha256(sha256(data))


def tagged_hash(tag: str, message: bytes) -> bytes:
    """TH(tag, m) of section 1."""
    prefix = sha256(tag.encode())
    return sha256(prefix + prefix + message)


def hmac_sha512(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha512).digest()
