"""The owner's signed commands."""

from . import constants as C
from . import crypto, tlv
from .card import Card


class Owner:
    """An owner key at work on one card. Without a card id, only READ ACCOUNT works."""

    def __init__(self, card: Card, secret: bytes, network: bytes, card_id: bytes = b"", random=crypto.random):
        self.card, self.secret, self.network, self.random = card, secret, network, random
        self.card_id = card_id or C.UNKNOWN_CARD_ID_BYTE * C.UNKNOWN_CARD_ID_LENGTH

    def command(self, header: bytes, body: bytes = b"") -> bytes:
        return self._signed(header, body, self.challenge())

    def challenge(self) -> bytes:
        return self.card.command(C.GET_CHALLENGE, le=C.CHALLENGE_LENGTH)

    def enter_coin(self, txid: bytes, vout: int, place: int, transaction: bytes) -> int:
        """Enters a rooted coin by the transaction (without witness) that makes it; the amount."""
        names = {"txid": txid, "vout": u32(vout), "place": u32(place)}
        self.command(C.ENTER_COIN, tlv.encode(C.ENTER_COIN_BODY, names))
        answer = tlv.decode(C.ENTER_ANSWER, self.card.pieces(C.ENTER_PIECE, transaction))
        return int.from_bytes(answer["amount"], "big")

    def new_pin(self, block: bytes) -> None:
        self.command(C.NEW_PIN, tlv.encode(C.NEW_PIN_BODY, {"PIN block": block}))

    def change_key(self, secret: bytes) -> None:
        """Gives the card a new owner key, which proves that somebody has it."""
        challenge = self.challenge()
        key = crypto.public_key(secret)
        message = self.network + self.card_id + self.card.session + challenge + key
        proof = self._sign(secret, C.OWNER_KEY_TAG, message)
        body = tlv.encode(C.CHANGE_OWNER_KEY_BODY, {"new owner key": key, "proof": proof})
        self._signed(C.CHANGE_OWNER_KEY, body, challenge)
        self.secret = secret

    def read_limits(self) -> dict[str, bytes]:
        return tlv.decode(C.READ_LIMITS_ANSWER, self.command(C.READ_LIMITS))

    def _signed(self, header: bytes, body: bytes, challenge: bytes) -> bytes:
        message = self.network + self.card_id + self.card.session + challenge + header + body
        signature = self._sign(self.secret, C.OWNER_TAG, message)
        return self.card.command(header, body + tlv.encode(C.OWNER_SIGNATURE, {"signature": signature}))

    def _sign(self, secret: bytes, tag: str, message: bytes) -> bytes:
        return crypto.sign(secret, crypto.tagged_hash(tag, message), self.random(len(secret)))


def u32(number: int) -> bytes:
    return number.to_bytes(C.U32_LENGTH, "big")
