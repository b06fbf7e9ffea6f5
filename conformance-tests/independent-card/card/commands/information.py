"""SELECT, GET DATA and GET CHALLENGE (sections 2.3, 2.4, 5.1)."""

from .. import capabilities
from ..encoding import require_length, tlv, u8, u16, u32
from ..memory import ISSUED
from ..session import Session
from ..status import Refusal
from .call import Call, Command
from .certificates import certificates

AID = bytes.fromhex("F0 54 49 4C 4C 43 41 52 44")
VERSION = b"\x00\x04"
MOST_INPUTS = 16
PIN_TRIES = 3
SIGNING = (128, 64)


def select(card, header: bytes, data: bytes) -> bytes:
    if header[2] != 4 or header[3] not in (0x00, 0x0C):
        raise Refusal(0x6A86)
    if not 5 <= len(data) <= 16:
        raise Refusal(0x6700)
    if not AID.startswith(data):
        raise Refusal(0x6A82)
    card.session = Session()
    card.is_selected = True
    if header[3] == 0x0C:
        return b""
    return tlv(0x6F, tlv(0x84, AID) + tlv(0xA5, tlv(0x80, VERSION) + tlv(0x81, u32(card.bits))))


def get_data(card, call: Call) -> bytes:
    wanted = call.header[2:]
    if wanted == b"\xbf\x21" and card.declares(capabilities.CHANNEL):
        return certificates(card, call.data)
    if wanted not in (b"\x01\x00", b"\x01\x01"):
        raise Refusal(0x6A88)
    require_length(call.data, 0)
    return _status(card) if wanted == b"\x01\x00" else _capabilities(card)


def _status(card) -> bytes:
    status = tlv(0x80, u8(card.memory.state))
    if card.memory.state == ISSUED:
        owned = card.memory.owned
        status += tlv(0x81, u8(owned.network)) + tlv(0x82, u8(owned.tries)) + tlv(0x83, u8(owned.policy))
    return status


def _capabilities(card) -> bytes:
    inputs, outputs = SIGNING if card.declares(capabilities.SIGNING) else (0, 0)
    unrooted = card.most_unrooted if card.declares(capabilities.CREDITS) else 0
    return (
        tlv(0x80, VERSION)
        + tlv(0x81, u32(card.bits))
        + tlv(0x82, u8(MOST_INPUTS))
        + tlv(0x83, u16(card.most_coins))
        + tlv(0x84, u8(PIN_TRIES))
        + tlv(0x85, u8(card.most_payments))
        + tlv(0x86, u8(unrooted))
        + tlv(0x87, u8(inputs))
        + tlv(0x88, u8(outputs))
    )


def get_challenge(card, call: Call) -> bytes:
    require_length(call.data, 0)
    card.owned()
    card.session.challenge = card.random.draw(16)
    return card.session.challenge


ANY = tuple(range(256))
COMMANDS = {
    b"\x00\xca": Command(get_data, ANY, ANY),
    b"\x00\x84": Command(get_challenge),
}
