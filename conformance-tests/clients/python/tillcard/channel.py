"""The secure channel: opened by SCP11b, kept by SCP03."""

import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import constants as C
from . import tlv
from .crypto import p256
from .errors import Failure, demand
from .integers import u8
from .status import is_proven


def open_channel(
    command: Callable, agreement_key: bytes, ephemeral: ec.EllipticCurvePrivateKey | None = None
) -> "Channel":
    """A channel to the card that has this agreement key, and no other; command sends a plain one."""
    ephemeral = ephemeral or ec.generate_private_key(ec.SECP256R1())
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    data = C.CHANNEL_PARAMETERS + tlv.encode(C.EPHEMERAL_CLIENT, {"ePK.OCE": point})
    answer = tlv.decode(C.EPHEMERAL_CARD + C.RECEIPT, command(C.OPEN_CHANNEL, data))
    card_point = answer["ePK.SD"]
    secret = ephemeral.exchange(ec.ECDH(), p256(card_point)) + ephemeral.exchange(ec.ECDH(), p256(agreement_key))
    receipt_key, *keys = derive(secret)
    receipt = cmac(receipt_key, data + tlv.encode(C.EPHEMERAL_CARD, {"ePK.SD": card_point}))
    demand(hmac.compare_digest(receipt, answer["receipt"]), "the receipt is wrong: another card answered")
    return Channel(receipt, *keys)


def derive(secret: bytes) -> list[bytes]:
    """Receipt key, S-ENC, S-MAC and S-RMAC (ANSI X9.63)."""
    keys = X963KDF(SHA256(), C.DERIVED_LENGTH, C.SHARED_INFO).derive(secret)
    return [keys[at:at + C.KEY_LENGTH] for at in range(0, C.DERIVED_LENGTH, C.KEY_LENGTH)][:4]


class Channel:
    def __init__(self, receipt: bytes, enc: bytes, mac: bytes, rmac: bytes):
        self.receipt = receipt
        self._enc, self._mac, self._rmac = enc, mac, rmac
        self._chaining = receipt
        self._counter = C.FIRST_COUNTER - 1
        self._broken = False

    def protect(self, header: bytes, data: bytes) -> tuple[bytes, bytes]:
        """Header and data field of the protected command."""
        demand(not self._broken, "the channel can't be used any more")
        self._counter += 1
        header = C.PROTECTED_CLASS[header[:1]] + header[1:]
        if data:
            data = self._cipher(self._counter).encryptor().update(pad(data))
        lc = u8(len(data) + C.MAC_LENGTH)
        self._chaining = cmac(self._mac, self._chaining + header + lc + data)
        return header, data + self._chaining[:C.MAC_LENGTH]

    def unprotect(self, answer: bytes, status: bytes) -> bytes:
        """The plain answer data, once the MAC is checked."""
        if not is_proven(status):
            demand(answer == b"", "a refusal with data")
            return b""
        encrypted, mac = answer[:-C.MAC_LENGTH], answer[-C.MAC_LENGTH:]
        expected = cmac(self._rmac, self._chaining + encrypted + status)[:C.MAC_LENGTH]
        if not hmac.compare_digest(mac, expected):
            self._broken = True
            raise Failure("an answer with a wrong MAC, or none: somebody between changed it")
        if not encrypted:
            return b""
        highest = 1 << (8 * C.COUNTER_LENGTH - 1)
        return unpad(self._cipher(self._counter | highest).decryptor().update(encrypted))

    def _cipher(self, counter: int) -> Cipher:
        key = algorithms.AES(self._enc)
        iv = Cipher(key, modes.ECB()).encryptor().update(counter.to_bytes(C.COUNTER_LENGTH, "big"))
        return Cipher(key, modes.CBC(iv))


def cmac(key: bytes, message: bytes) -> bytes:
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


def pad(data: bytes) -> bytes:
    return data + C.PADDING + C.PADDING_FILL * (-(len(data) + 1) % C.BLOCK)


def unpad(data: bytes) -> bytes:
    plain = data.rstrip(C.PADDING_FILL)
    demand(plain.endswith(C.PADDING) and pad(plain[:-1]) == data, "an answer with a wrong padding")
    return plain[:-1]
