"""The card's scripts, by own derivation: BIP32 public children, BIP341 output keys."""

import hmac
from hashlib import sha512
from typing import NamedTuple

from . import constants as C
from . import secp256k1 as curve
from .crypto import tagged_hash
from .errors import demand
from .integers import u8, u16, u32, uint
from .standards import ORDER


class Account(NamedTuple):
    """What the owner's wallet knows of a card."""

    key: bytes
    chain_code: bytes
    leaf: bytes

    @property
    def card_id(self) -> bytes:
        return tagged_hash(C.CARD_ID_TAG, self.key + self.chain_code)[:C.CARD_ID_LENGTH]

    def output_key(self, place: int) -> bytes:
        """The x-only key of the output at a place."""
        chain, index = place >> C.PLACE_CHAIN_BIT, place & ~(1 << C.PLACE_CHAIN_BIT)
        key, chain_code = self.key, self.chain_code
        for step in (chain, index):
            key, chain_code = child(key, chain_code, step)
        internal = key[1:]
        script = leaf_script(self.leaf)
        root = tagged_hash(C.LEAF_TAG, C.LEAF_VERSION + _sized(script)) if script else b""
        tweak = uint(tagged_hash(C.TWEAK_TAG, internal + root))
        even = curve.lift_x(uint(internal))
        return curve.x_only(curve.add(even, curve.multiply(tweak)))

    def script(self, place: int) -> bytes:
        return C.OUTPUT_SCRIPT + self.output_key(place)


def place(chain: int, index: int) -> int:
    return chain << C.PLACE_CHAIN_BIT | index


def child(key: bytes, chain_code: bytes, index: int) -> tuple[bytes, bytes]:
    """BIP32's public derivation of an unhardened child."""
    digest = hmac.digest(chain_code, key + u32(index), sha512)
    half = len(digest) // 2
    tweak = uint(digest[:half])
    demand(tweak < ORDER, "no child at this index")
    return curve.encode(curve.add(curve.multiply(tweak), curve.decode(key))), digest[half:]


def leaf(kind: bytes, blocks: int, primary: bytes) -> bytes:
    return kind + u16(blocks) + primary


def leaf_script(leaf: bytes) -> bytes:
    """The script by which the owner's PRIMARY spends, empty when there is none."""
    kind, rest = leaf[:1], leaf[1:]
    blocks, primary = uint(rest[:C.U16_LENGTH]), rest[C.U16_LENGTH:]
    if kind == C.LEAF_NONE:
        return b""
    if kind == C.LEAF_KEY:
        return C.LEAF_PUSH_KEY + primary + C.LEAF_CHECKSIG
    demand(kind == C.LEAF_KEY_LATER, "an unknown kind of leaf")
    return C.LEAF_PUSH_KEY + primary + C.LEAF_CHECKSIGVERIFY + _push(blocks) + C.LEAF_OLDER


def _push(number: int) -> bytes:
    if number <= C.MOST_PUSH_SMALL:
        return u8(C.PUSH_SMALL + number)
    # One bit more than the number has, for the sign.
    return _sized(number.to_bytes(number.bit_length() // 8 + 1, "little"))


def _sized(data: bytes) -> bytes:
    return u8(len(data)) + data
