"""Points of secp256k1, in affine coordinates; None is the point at infinity. Not in constant time."""

from . import constants as C
from .errors import demand
from .integers import u8, uint
from .standards import FIELD, GENERATOR_X, GENERATOR_Y, ORDER

Point = tuple[int, int] | None

G: Point = (GENERATOR_X, GENERATOR_Y)


def add(a: Point, b: Point) -> Point:
    if a is None:
        return b
    if b is None:
        return a
    if a[0] == b[0]:
        if a[1] != b[1]:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, FIELD)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, FIELD)
    x = (slope * slope - a[0] - b[0]) % FIELD
    return x, (slope * (a[0] - x) - a[1]) % FIELD


def multiply(scalar: int, point: Point = G) -> Point:
    result = None
    for bit in bin(scalar % ORDER)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def negate(point: Point) -> Point:
    return point and (point[0], -point[1] % FIELD)


def lift_x(x: int) -> Point:
    """The point with this x and an even y (BIP340)."""
    demand(x < FIELD, "a coordinate outside the field")
    square = (pow(x, 3, FIELD) + 7) % FIELD
    y = pow(square, (FIELD + 1) // 4, FIELD)
    demand(y * y % FIELD == square, "a point that isn't on the curve")
    return (x, y) if y % 2 == 0 else (x, FIELD - y)


def decode(data: bytes) -> Point:
    """A compressed point."""
    demand(len(data) == C.POINT_LENGTH and data[0] in (2, 3), "not a compressed point")
    point = lift_x(uint(data[1:]))
    return point if data[0] == 2 else negate(point)


def encode(point: Point) -> bytes:
    demand(point is not None, "the point at infinity")
    return u8(2 + point[1] % 2) + x_only(point)


def x_only(point: Point) -> bytes:
    demand(point is not None, "the point at infinity")
    return scalar(point[0])


def scalar(number: int) -> bytes:
    return number.to_bytes(C.X_ONLY_LENGTH, "big")
