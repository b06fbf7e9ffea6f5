"""A card's side of the channel, written from sections 2.6 and 2.7 apart from the client."""

from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
OPEN = bytes.fromhex("8088011353" "A60D9002110095013C800188810110" "5F4941")


class CardSide:
    """Opens channels and answers by `application(header, data) -> (answer, status)`."""

    def __init__(self, application):
        self.application = application
        self.agreement = ec.generate_private_key(CURVE)
        self.left = b""
        self.keys = None

    @property
    def agreement_key(self) -> bytes:
        return self.agreement.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def transmit(self, command: bytes) -> bytes:
        if command[:4] == bytes.fromhex("00C00000"):
            return self.give(self.left, command[4] or 256)
        if command.startswith(OPEN):
            return self.give(self.open(command[5:-1]), 256)
        return self.protected(command)

    def give(self, answer: bytes, le: int) -> bytes:
        part, self.left = answer[:le], answer[le:]
        more = min(len(self.left), 256) % 256
        return part + (bytes([0x61, more]) if self.left else bytes.fromhex("9000"))

    def open(self, data: bytes) -> bytes:
        ephemeral = ec.generate_private_key(CURVE)
        client = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, data[-65:])
        z = ephemeral.exchange(ec.ECDH(), client) + self.agreement.exchange(ec.ECDH(), client)
        stream = b"".join(sha256(z + bytes([0, 0, 0, n]) + bytes.fromhex("3C8810")).digest() for n in (1, 2, 3))
        receipt_key, *self.keys = (stream[at:at + 16] for at in range(0, 64, 16))
        point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        answer = bytes.fromhex("5F4941") + point
        self.chain = mac(receipt_key, data + answer)
        self.counter = 0
        return answer + bytes.fromhex("8610") + self.chain

    def protected(self, command: bytes) -> bytes:
        enc, s_mac, s_rmac = self.keys
        header, lc, le = command[:4], command[4], command[-1]
        field = command[5:5 + lc]
        self.counter += 1
        self.chain = mac(s_mac, self.chain + header + bytes([lc]) + field[:-8])
        if self.chain[:8] != field[-8:]:
            return bytes.fromhex("6982")
        data = b""
        if field[:-8]:
            padded = self.cipher(0).decryptor().update(field[:-8])
            data = padded[:padded.rindex(0x80)]
        answer, status = self.application(bytes([header[0] & ~4]) + header[1:], data)
        if status != bytes.fromhex("9000") and status[0] != 0x63:
            return status
        if answer:
            padded = answer + b"\x80"
            answer = self.cipher(0x80).encryptor().update(padded + bytes(-len(padded) % 16))
        whole = answer + mac(s_rmac, self.chain + answer + status)[:8]
        if status[0] == 0x63:
            return whole + status
        return self.give(whole, le or 256)

    def cipher(self, first: int) -> Cipher:
        key = algorithms.AES(self.keys[0])
        block = bytes([first]) + self.counter.to_bytes(15, "big")
        return Cipher(key, modes.CBC(Cipher(key, modes.ECB()).encryptor().update(block)))


def mac(key: bytes, message: bytes) -> bytes:
    state = CMAC(algorithms.AES(key))
    state.update(message)
    return state.finalize()
