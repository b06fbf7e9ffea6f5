"""A terminal for the card's tests: the Python client's transport and channel, and commands in bytes."""

import sys
from pathlib import Path

from card import p256, secp256k1
from card.account import Account
from card.encoding import compact_size, little, number, tlv, u8, u32, u64
from card.hashes import double_sha256, tagged_hash

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python"))

from tillcard.card import Card as Client  # noqa: E402

OWNER, STRANGER, SUCCESSOR = 0x1111, 0x2222, 0x3333
SECRET, CHAIN_CODE, LEAF = 0x1234567, bytes(range(32)), bytes(35)
ACCOUNT = Account(SECRET, CHAIN_CODE, LEAF)
NETWORK = u8(3)
PIN = bytes.fromhex("26271828FFFFFFFF")
LIMITS = bytes.fromhex(
    "00000000000186A0 0000000005F5E100 0100 0000000000001388 000003E8 0000C350 000003E8 0000000000000000 0000"
)
ANY_CARD = bytes(16)


def x_only(secret: int) -> bytes:
    return secp256k1.compressed(secp256k1.multiply_g(secret))[1:]


def issue_field(policy: int) -> bytes:
    fields = (NETWORK, SECRET.to_bytes(32, "big") + CHAIN_CODE, x_only(OWNER), LEAF, PIN, LIMITS, u8(policy))
    return b"".join(tlv(0x80 + i, value) for i, value in enumerate(fields))


def request(identity: int) -> bytes:
    payee = b"\x00\x14" + b"D" * 20
    fields = (u64(10_000), u32(2_000), payee, u8(0), u8(identity) * 16, b"Dairy", b"")
    return b"".join(tlv(0x80 + i, value) for i, value in enumerate(fields))


def funding(index: int, amount: int) -> bytes:
    """A transaction that pays the card's receive index."""
    script = ACCOUNT.script(index)
    text = little(2, 4) + compact_size(1) + u8(index + 1) * 32 + bytes(5) + b"\xff" * 4 + compact_size(1)
    return text + little(amount, 8) + compact_size(len(script)) + script + bytes(4)


class Terminal:
    """Sends commands, plain or in a channel, as the owner or as somebody else."""

    def __init__(self, card, owner: int = OWNER):
        self._card, self._owner = card, owner
        self._client = Client(card.transmit)
        self._client.select()

    def open(self) -> None:
        self._client.open_channel(p256.compressed(self._card.memory.agreement_key))

    def send(self, header: str, data: bytes = b"") -> tuple[bytes, int]:
        """Data and status word."""
        answer, status = self._client.exchange(bytes.fromhex(header), data)
        return answer, number(status)

    def must(self, header: str, data: bytes = b"") -> bytes:
        answer, status = self.send(header, data)
        assert status == 0x9000, f"{header}: {status:04X}"
        return answer

    def sign(self, tag: str, message: bytes, secret: int, card_id: bytes) -> bytes:
        bound = NETWORK + card_id + self._client.session + message
        return secp256k1.sign(secret, tagged_hash(tag, bound), bytes(32))

    def by_owner(self, header: str, body: bytes = b"", card_id: bytes = ACCOUNT.card_id) -> tuple[bytes, int]:
        challenge, status = self.send("00840000")
        if status != 0x9000:
            challenge = bytes(16)
        signature = self.sign("Tillcard/owner", challenge + bytes.fromhex(header) + body, self._owner, card_id)
        return self.send(header, body + tlv(0x9E, signature))

    def change_owner_key(self) -> tuple[bytes, int]:
        challenge, status = self.send("00840000")
        if status != 0x9000:
            challenge = bytes(16)
        key = x_only(SUCCESSOR)
        proof = self.sign("Tillcard/owner-key", challenge + key, SUCCESSOR, ACCOUNT.card_id)
        body = tlv(0x80, key) + tlv(0x81, proof)
        header = "804C0000"
        message = challenge + bytes.fromhex(header) + body
        signature = self.sign("Tillcard/owner", message, self._owner, ACCOUNT.card_id)
        return self.send(header, body + tlv(0x9E, signature))

    # What brings a card to where a test begins.

    def personalise(self) -> None:
        for piece in ("00", "10", "20"):
            self.must(f"00DA02{piece}", b"\x30\x01\x00")
        self.must("00DA02FF")

    def enter(self, index: int, amount: int) -> None:
        text = funding(index, amount)
        announced = tlv(0x80, double_sha256(text)) + tlv(0x81, u32(0)) + tlv(0x82, u32(index))
        _, status = self.by_owner("80220000", announced)
        assert status == 0x9000, f"{status:04X}"
        self.must("80220100", text)

    def pay(self, identity: int) -> None:
        self.must("00200080", PIN)
        self.must("80300000", request(identity))

    def acknowledge(self, seen: int) -> None:
        _, status = self.by_owner("80440000", tlv(0x80, u32(seen)) + tlv(0x81, u32(0)))
        assert status == 0x9000, f"{status:04X}"


