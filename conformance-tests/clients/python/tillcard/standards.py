"""Numbers and names of the standards that the protocol text cites, each by its citation there."""

CITATIONS: list[str] = []


def of(citation: str, value):
    CITATIONS.append(citation)
    return value


# The curve y² = x³ + 7 over the field of FIELD elements, with the generator (GENERATOR_X, GENERATOR_Y) of ORDER.
FIELD = of("secp256k1", 2**256 - 2**32 - 977)
ORDER = of("secp256k1", 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141)
GENERATOR_X = of("secp256k1", 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798)
GENERATOR_Y = of("secp256k1", 0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)

AUX_TAG = of("BIP340", "BIP0340/aux")
NONCE_TAG = of("BIP340", "BIP0340/nonce")
CHALLENGE_TAG = of("BIP340", "BIP0340/challenge")

SIGHASH_TAG = of("BIP341", "TapSighash")
SIGHASH_EPOCH = of("BIP341", bytes([0]))
SIGHASH_DEFAULT = of("SIGHASH_DEFAULT", bytes([0]))
KEY_PATH_NO_ANNEX = of("BIP341", bytes([0]))

SEGWIT_MARKER_AND_FLAG = of("BIP144", bytes([0, 1]))

# First byte of a CompactSize and the number of bytes that follow it.
COMPACT_SIZES = of("CompactSize", {0xFD: 2, 0xFE: 4, 0xFF: 8})
