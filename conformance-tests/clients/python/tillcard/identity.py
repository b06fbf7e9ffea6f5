"""The card's certificates, and its proof that it is the one that they vouch for."""

from . import constants as C
from . import crypto, tlv
from .card import Card
from .certificates import AGREES, SIGNS, Trust
from .errors import demand
from .integers import uint


def certificates(card: Card, which: bytes) -> list[bytes]:
    """The batch's certificate and that of the card's identity or agreement key, in DER."""
    found = split_der(card.command(C.CERTIFICATES, C.CERTIFICATE_OF + which))
    demand(len(found) == 2, f"{len(found)} certificates where two were expected")
    return found


def vouched_key(card: Card, which: bytes, trust: Trust, network: bytes) -> bytes:
    """The card's identity or agreement key, once its certificates are checked; network is the card's, or to be."""
    demand(network != C.MAINNET or not trust.is_test_root, "the test root vouches for nothing on mainnet")
    return trust.key(*certificates(card, which), SIGNS if which == C.IDENTITY_KEY else AGREES)


def prove_genuine(card: Card, identity_key: bytes, random=crypto.random) -> None:
    """The card signs a fresh challenge, for this session."""
    challenge = random(C.GENUINE_CHALLENGE)
    answer = tlv.decode(C.GENUINE_ANSWER, card.command(C.GENUINE, challenge))
    digest = crypto.tagged_hash(C.GENUINE_TAG, card.version + card.session + challenge + answer["salt"])
    demand(crypto.verify_p256(identity_key, digest, answer["signature"]), "the proof of genuineness is wrong")


def split_der(data: bytes) -> list[bytes]:
    """DER structures that stand one after the other."""
    parts = []
    while data:
        demand(len(data) > 1, "certificates cut short")
        # A first byte of the length from 80 on tells how many bytes of length follow.
        count = max(data[1] - C.SHORT_LENGTHS, 0)
        end = 2 + count + (uint(data[2:2 + count]) if count else data[1])
        demand(end <= len(data), "certificates cut short")
        parts.append(data[:end])
        data = data[end:]
    return parts
