"""Channel, genuineness, the card's own keys and certificates (sections 2.6, 3.5 to 3.8)."""

from .. import capabilities, p256
from ..channel import PARAMETERS, Channel
from ..encoding import require_length, tlv
from ..hashes import tagged_hash
from ..memory import TERMINATED
from ..status import Refusal
from .call import Call, Command

BATCH, IDENTITY, AGREEMENT = 0x00, 0x10, 0x20
PIECES = 4
LONGEST_PIECE = 239
END = 0xFF
VERSION = b"\x00\x04"


def draw_own_keys(card) -> tuple[int, int]:
    """Identity key and agreement key."""
    return card.random.draw_key(p256.ORDER), card.random.draw_key(p256.ORDER)


def sign_as_card(card, tag: str, message: bytes) -> bytes:
    digest = tagged_hash(tag, VERSION + message)
    return p256.sign_digest(card.memory.identity_key, digest, card.random.draw(32))


def open_channel(card, call: Call) -> bytes:
    if call.header[2:] != b"\x01\x13":
        raise Refusal(0x6A88)
    require_length(call.data, len(PARAMETERS) + 65)
    if not call.data.startswith(PARAMETERS) or not p256.is_point(call.data[len(PARAMETERS) :]):
        raise Refusal(0x6A80)
    if card.is_protected or card.memory.agreement_key is None:
        raise Refusal(0x6985)
    ephemeral = card.random.draw_key(p256.ORDER)
    card.session.channel = Channel(ephemeral, card.memory.agreement_key, call.data)
    return card.session.channel.answer


def prove_genuine(card, call: Call) -> bytes:
    require_length(call.data, 32)
    if card.memory.identity_key is None:
        raise Refusal(0x6985)
    salt = card.random.draw(16)
    signature = sign_as_card(card, "Tillcard/genuine", card.session.name() + call.data + salt)
    return tlv(0x80, salt) + tlv(0x81, signature)


def generate_own_keys(card) -> bytes:
    """[PER-1]"""
    _require_open_personalisation(card)
    memory = card.memory
    memory.identity_key, memory.agreement_key = draw_own_keys(card)
    memory.certificates = {}
    return tlv(0x80, p256.compressed(memory.identity_key)) + tlv(0x81, p256.compressed(memory.agreement_key))


def put_data(card, call: Call) -> bytes:
    if call.p2 == END:
        require_length(call.data, 0)
    elif not 1 <= len(call.data) <= LONGEST_PIECE:
        raise Refusal(0x6700)
    _require_open_personalisation(card)
    memory = card.memory
    if call.p2 != END:
        if call.p2 in (BATCH, IDENTITY, AGREEMENT):
            for piece in range(call.p2, call.p2 + PIECES):
                memory.certificates.pop(piece, None)
        memory.certificates[call.p2] = call.data
        return b""
    if memory.identity_key is None or not all(map(card_has_whole(memory), (BATCH, IDENTITY, AGREEMENT))):
        raise Refusal(0x6985)
    memory.personalised = True
    return b""


def card_has_whole(memory):
    """Whether a certificate has its first piece, and none is missing between two others ([PER-3])."""

    def has_whole(first: int) -> bool:
        there = [first + piece in memory.certificates for piece in range(PIECES)]
        return there[0] and there == sorted(there, reverse=True)

    return has_whole


def certificates(card, field: bytes) -> bytes:
    """GET DATA BF21 ([CRT-1], [CRT-2])."""
    require_length(field, 6)
    if not field.startswith(b"\xa6\x04\x83\x02"):
        raise Refusal(0x6A80)
    key = {b"\x13\x01": AGREEMENT, b"\x40\x01": IDENTITY}.get(field[4:])
    memory = card.memory
    if key is None or memory.state == TERMINATED or not memory.personalised:
        raise Refusal(0x6A88)
    return b"".join(memory.certificates.get(first + piece, b"") for first in (BATCH, key) for piece in range(PIECES))


def _require_open_personalisation(card) -> None:
    card.require_factory()
    if card.memory.personalised:
        raise Refusal(0x6985)


_ALL_PIECES = tuple(first + piece for first in (BATCH, IDENTITY, AGREEMENT) for piece in range(PIECES))
ANY = tuple(range(256))
COMMANDS = {
    b"\x80\x88": Command(open_channel, ANY, ANY, needs=capabilities.CHANNEL),
    b"\x00\x88": Command(prove_genuine, needs=capabilities.CHANNEL),
    b"\x00\xda": Command(put_data, (2,), (*_ALL_PIECES, END), needs=capabilities.CHANNEL),
}
