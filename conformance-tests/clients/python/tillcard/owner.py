"""The owner's authority: signed commands, and those about the owner himself."""

from . import constants as C
from . import crypto, tlv
from .card import Card


class Owner:
    """An owner key at work on one card. Without a card id, only READ ACCOUNT works."""

    def __init__(self, card: Card, secret: bytes, network: bytes, card_id: bytes = b"", random=crypto.random):
        self.card, self.secret, self.network, self.random = card, secret, network, random
        self.card_id = card_id or C.UNKNOWN_CARD_ID_BYTE * C.UNKNOWN_CARD_ID_LENGTH

    def command(self, header: bytes, body: bytes = b"") -> bytes:
        return self._signed(header, body, self._challenge())

    def without_card_id(self) -> "Owner":
        """As one who lost it."""
        return Owner(self.card, self.secret, self.network, random=self.random)

    def new_pin(self, block: bytes) -> None:
        self.command(C.NEW_PIN, tlv.encode(C.NEW_PIN_BODY, {"PIN block": block}))

    def change_key(self, secret: bytes) -> None:
        """Gives the card a new owner key, which proves that somebody has it."""
        challenge = self._challenge()
        key = crypto.public_key(secret)
        proof = self._sign(secret, C.OWNER_KEY_TAG, challenge + key)
        body = tlv.encode(C.CHANGE_OWNER_KEY_BODY, {"new owner key": key, "proof": proof})
        self._signed(C.CHANGE_OWNER_KEY, body, challenge)
        self.secret = secret

    def factory_reset(self) -> None:
        self.command(C.FACTORY_RESET)

    def _challenge(self) -> bytes:
        return self.card.command(C.GET_CHALLENGE, le=C.CHALLENGE_LENGTH)

    def _signed(self, header: bytes, body: bytes, challenge: bytes) -> bytes:
        signature = self._sign(self.secret, C.OWNER_TAG, challenge + header + body)
        return self.card.command(header, body + tlv.encode(C.OWNER_SIGNATURE, {"signature": signature}))

    def _sign(self, secret: bytes, tag: str, message: bytes) -> bytes:
        bound = self.network + self.card_id + self.card.session + message
        return crypto.sign(secret, crypto.tagged_hash(tag, bound), self.random(len(secret)))
