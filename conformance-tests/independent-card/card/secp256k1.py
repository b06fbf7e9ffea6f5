"""The curve secp256k1 (SEC 2) and BIP340 signatures. Not in constant time."""

from .encoding import number, scalar, u8
from .hashes import tagged_hash

FIELD = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

# Points are (x, y), or None for the point at infinity. Sums of many are kept as (X, Y, Z) with
# x = X/Z² and y = Y/Z³, so that they take one division.


def _double(p):
    x, y, z = p
    if not y:
        return None
    yy = y * y % FIELD
    s = 4 * x * yy % FIELD
    m = 3 * x * x % FIELD
    x3 = (m * m - 2 * s) % FIELD
    return x3, (m * (s - x3) - 8 * yy * yy) % FIELD, 2 * y * z % FIELD


def _add_affine(p, q):
    """A projective point and an affine one."""
    if p is None:
        return q[0], q[1], 1
    x, y, z = p
    zz = z * z % FIELD
    h = (q[0] * zz - x) % FIELD
    r = (q[1] * zz * z - y) % FIELD
    if not h:
        return None if r else _double(p)
    hh = h * h % FIELD
    hhh = h * hh % FIELD
    v = x * hh % FIELD
    x3 = (r * r - hhh - 2 * v) % FIELD
    return x3, (r * (v - x3) - y * hhh) % FIELD, z * h % FIELD


def _affine(p):
    if p is None:
        return None
    inverse = pow(p[2], -1, FIELD)
    square = inverse * inverse % FIELD
    return p[0] * square % FIELD, p[1] * square * inverse % FIELD


def add(p, q):
    if p is None or q is None:
        return p or q
    return _affine(_add_affine((*p, 1), q))


def negate(p):
    return p and (p[0], -p[1] % FIELD)


def multiply(factor: int, p):
    result = None
    for bit in bin(factor % ORDER)[2:]:
        result = result and _double(result)
        if bit == "1":
            result = _add_affine(result, p)
    return _affine(result)


def _multiples_of_g():
    """16ⁱ · d · G for every digit d of every position i of a factor in hexadecimal."""
    table, base = [], G
    for _ in range(64):
        row = [None, base]
        for _ in range(14):
            row.append(add(row[-1], base))
        table.append(row)
        base = add(row[-1], base)
    return table


_TABLE = _multiples_of_g()


def multiply_g(factor: int):
    result, factor = None, factor % ORDER
    for row in _TABLE:
        if factor & 15:
            result = _add_affine(result, row[factor & 15])
        factor >>= 4
    return _affine(result)


def lift_x(x: int):
    """The point with this x and an even y (BIP340), or None."""
    if x >= FIELD:
        return None
    square = (x * x * x + 7) % FIELD
    y = pow(square, (FIELD + 1) // 4, FIELD)
    if y * y % FIELD != square:
        return None
    return x, y if y % 2 == 0 else FIELD - y


def is_key(x_only: bytes) -> bool:
    return lift_x(number(x_only)) is not None


def compressed(p) -> bytes:
    return u8(2 + p[1] % 2) + scalar(p[0])


def sign(secret: int, message: bytes, randomness: bytes) -> bytes:
    """BIP340, with 32 bytes of auxiliary randomness."""
    point = multiply_g(secret)
    if point[1] % 2:
        secret = ORDER - secret
    key = scalar(point[0])
    hidden = secret ^ number(tagged_hash("BIP0340/aux", randomness))
    nonce = number(tagged_hash("BIP0340/nonce", scalar(hidden) + key + message)) % ORDER
    r = multiply_g(nonce)
    if r[1] % 2:
        nonce = ORDER - nonce
    e = number(tagged_hash("BIP0340/challenge", scalar(r[0]) + key + message))
    return scalar(r[0]) + scalar((nonce + e * secret) % ORDER)


def verify(x_only: bytes, message: bytes, signature: bytes) -> bool:
    """Whether it is a BIP340 signature by this key."""
    point, r, s = lift_x(number(x_only)), number(signature[:32]), number(signature[32:])
    if point is None or r >= FIELD or s >= ORDER:
        return False
    e = number(tagged_hash("BIP0340/challenge", signature[:32] + x_only + message))
    result = add(multiply_g(s), negate(multiply(e, point)))
    return result is not None and result[1] % 2 == 0 and result[0] == r
