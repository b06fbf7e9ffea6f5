"""The secure channel: SCP11b keys (section 2.6), SCP03 messages (section 2.7)."""

import hmac

from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from . import p256
from .encoding import tlv, u16, u32
from .hashes import sha256

PARAMETERS = bytes.fromhex("A60D 9002 1100 9501 3C 8001 88 8101 10 5F49 41")
SHARED_INFO = bytes.fromhex("3C 88 10")
BLOCK = 16
MAC_LENGTH = 8
ANSWERS = 1 << 127


def _mac(key: bytes, message: bytes) -> bytes:
    context = cmac.CMAC(algorithms.AES(key))
    context.update(message)
    return context.finalize()


def _block(key: bytes, number: int) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(number.to_bytes(BLOCK, "big"))


def _pad(data: bytes) -> bytes:
    data += b"\x80"
    return data + bytes(-len(data) % BLOCK)


def _unpad(data: bytes) -> bytes | None:
    text = data.rstrip(b"\0")
    if not text.endswith(b"\x80") or len(data) - len(text) >= BLOCK:
        return None
    return text[:-1]


class Channel:
    """One open channel."""

    def __init__(self, ephemeral: int, agreement_key: int, field: bytes):
        """From the data field of INTERNAL AUTHENTICATE, which was looked at already."""
        client = field[len(PARAMETERS) :]
        secret = p256.agree(ephemeral, client) + p256.agree(agreement_key, client)
        derived = b"".join(sha256(secret + u32(i) + SHARED_INFO) for i in (1, 2, 3))
        receipt_key, self._enc, self._mac, self._rmac = (derived[i : i + 16] for i in range(0, 64, 16))
        point = tlv(0x5F49, p256.uncompressed(ephemeral))
        self.receipt = self._chain = _mac(receipt_key, field + point)
        self.answer = point + tlv(0x86, self.receipt)
        self._counter = 0

    def unprotect(self, header: bytes, length: bytes, field: bytes) -> bytes | None:
        """The plain data field; None when the channel must close."""
        encrypted, mac = field[:-MAC_LENGTH], field[-MAC_LENGTH:]
        if len(mac) < MAC_LENGTH or len(encrypted) % BLOCK:
            return None
        chain = _mac(self._mac, self._chain + header + length + encrypted)
        if not hmac.compare_digest(chain[:MAC_LENGTH], mac):
            return None
        self._chain = chain
        self._counter += 1
        if not encrypted:
            return b""
        cipher = Cipher(algorithms.AES(self._enc), modes.CBC(_block(self._enc, self._counter)))
        return _unpad(cipher.decryptor().update(encrypted))

    def protect(self, answer: bytes, status: int) -> bytes:
        if answer:
            iv = _block(self._enc, self._counter | ANSWERS)
            answer = Cipher(algorithms.AES(self._enc), modes.CBC(iv)).encryptor().update(_pad(answer))
        return answer + _mac(self._rmac, self._chain + answer + u16(status))[:MAC_LENGTH]
