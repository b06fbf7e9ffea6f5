"""The account: its keys, scripts and signatures (sections 3 and 3.3)."""

from . import secp256k1
from .encoding import compact_size, little, number, u8, u32
from .hashes import hmac_sha512, sha256, tagged_hash


def made(share: int, host_share: bytes) -> tuple[int, bytes]:
    """Key and chain code of an account that card and host make together."""
    key = (share + number(host_share)) % secp256k1.ORDER
    commitment = secp256k1.compressed(secp256k1.multiply_g(share))
    return key, tagged_hash("Tillcard/chaincode", commitment + host_share)


class Account:
    """An account key with what is derived from it."""

    def __init__(self, key: int, chain_code: bytes, leaf: bytes):
        self.key, self.chain_code, self.leaf = key, chain_code, leaf
        self._point = secp256k1.multiply_g(key)
        self.public_key = secp256k1.compressed(self._point)
        self.card_id = tagged_hash("Tillcard/card-id", self.public_key + chain_code)[:16]
        self._root = _merkle_root(leaf)
        self._chains: dict[int, tuple] = {}
        self._keys: dict[int, tuple[int, bytes]] = {}

    def _child(self, point, chain_code: bytes, index: int):
        """BIP32 without hardening: the child's point, chain code, and what its secret is above its parent's."""
        derived = hmac_sha512(chain_code, secp256k1.compressed(point) + u32(index))
        step = number(derived[:32])
        return secp256k1.add(point, secp256k1.multiply_g(step)), derived[32:], step

    def _key_at(self, place: int) -> tuple[int, bytes]:
        """Secret and x of the output key."""
        if place not in self._keys:
            chain, index = place >> 31, place & 0x7FFFFFFF
            if chain not in self._chains:
                self._chains[chain] = self._child(self._point, self.chain_code, chain)
            chain_point, chain_code, chain_step = self._chains[chain]
            point, _, step = self._child(chain_point, chain_code, index)
            secret = self.key + chain_step + step
            if point[1] % 2:
                point, secret = secp256k1.negate(point), -secret
            x = secp256k1.compressed(point)[1:]
            tweak = number(tagged_hash("TapTweak", x + self._root))
            output = secp256k1.add(point, secp256k1.multiply_g(tweak))
            secret = (secret + tweak) % secp256k1.ORDER
            self._keys[place] = secret, secp256k1.compressed(output)[1:]
        return self._keys[place]

    def output_key(self, place: int) -> bytes:
        return self._key_at(place)[1]

    def script(self, place: int) -> bytes:
        return b"\x51\x20" + self.output_key(place)

    def sign(self, place: int, message: bytes, randomness: bytes) -> bytes | None:
        """A signature that was verified ([KEY-5]), or None."""
        secret, key = self._key_at(place)
        signature = secp256k1.sign(secret, message, randomness)
        return signature if secp256k1.verify(key, message, signature) else None

    def sighashes(self, version: int, lock_time: int, inputs, outputs) -> list[bytes]:
        """BIP341's, key path, SIGHASH_DEFAULT. Inputs are (txid, vout, sequence, amount, place)."""
        parts = (
            b"".join(txid + little(vout, 4) for txid, vout, _, _, _ in inputs),
            b"".join(little(amount, 8) for _, _, _, amount, _ in inputs),
            b"".join(with_length(self.script(place)) for _, _, _, _, place in inputs),
            b"".join(little(sequence, 4) for _, _, sequence, _, _ in inputs),
            b"".join(little(amount, 8) + with_length(script) for amount, script in outputs),
        )
        common = b"\0\0" + little(version, 4) + little(lock_time, 4) + b"".join(map(sha256, parts)) + b"\0"
        return [tagged_hash("TapSighash", common + little(i, 4)) for i in range(len(inputs))]


def with_length(script: bytes) -> bytes:
    return compact_size(len(script)) + script


def _merkle_root(leaf: bytes) -> bytes:
    kind, blocks, primary = leaf[0], number(leaf[1:3]), leaf[3:]
    if kind == 0:
        return b""
    script = b"\x20" + primary + (b"\xac" if kind == 1 else b"\xad" + _push(blocks) + b"\xb2")
    return tagged_hash("TapLeaf", b"\xc0" + u8(len(script)) + script)


def _push(blocks: int) -> bytes:
    if blocks <= 16:
        return u8(0x50 + blocks)
    return with_length(little(blocks, blocks.bit_length() // 8 + 1))
