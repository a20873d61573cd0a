"""Signatures of Ed25519 (RFC 8032), checked only, with whole numbers of Python.

Strict where the RFC leaves room: a scalar below the order, coordinates in their one spelling, no key of small order,
and the equation without the cofactor. The numbers handled are public, so nothing has to take constant time.
"""

from collections.abc import Sequence
from functools import cache
from hashlib import sha512

KEY_LENGTH, SIGNATURE_LENGTH = 32, 64

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
_BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)
_WINDOW = 4  # bits of a scalar that one look into a table settles

# A point is X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z.
Point = tuple[int, int, int, int]
_NEUTRAL: Point = (0, 1, 1, 0)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is one of `message` by `public_key`."""
    if len(public_key) != KEY_LENGTH or len(signature) != SIGNATURE_LENGTH:
        return False
    key = _point(public_key)
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or scalar >= _ORDER or _is_small(key):
        return False
    challenge = int.from_bytes(sha512(signature[:32] + public_key + message).digest(), "little") % _ORDER
    # R = S·B - k·A, compared as bytes: an R in another spelling is refused with that.
    found = _sum_of_products(scalar, _multiples_of_base(), challenge, _multiples(_negative(key)))
    return _bytes_of(found) == signature[:32]


def _point(encoded: bytes) -> Point | None:
    """RFC 8032, 5.1.3. None where it is no point, or not in its one spelling."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P != u:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if v * x * x % _P != u or (x == 0 and sign):
        return None
    if x % 2 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _bytes_of(point: Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _is_small(point: Point) -> bool:
    """Eight times a point of small order is the neutral one."""
    for _ in range(3):
        point = _doubled(point)
    return point[0] == 0 and point[1] == point[2]


def _negative(point: Point) -> Point:
    return -point[0] % _P, point[1], point[2], -point[3] % _P


def _added(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _doubled(point: Point) -> Point:
    a, b = point[0] * point[0] % _P, point[1] * point[1] % _P
    h = a + b
    e = h - (point[0] + point[1]) ** 2 % _P
    g = a - b
    f = 2 * point[2] * point[2] % _P + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiples(point: Point) -> Sequence[Point]:
    """0, 1, 2 … 15 times a point."""
    found = [_NEUTRAL]
    for _ in range(2**_WINDOW - 1):
        found.append(_added(found[-1], point))
    return found


@cache
def _multiples_of_base() -> Sequence[Point]:
    x, y = _BASE
    return _multiples((x, y, 1, x * y % _P))


def _sum_of_products(one: int, ones: Sequence[Point], other: int, others: Sequence[Point]) -> Point:
    """one·P + other·Q from the multiples of P and Q, both scalars walked through together."""
    found = _NEUTRAL
    for shift in range(256 - _WINDOW, -1, -_WINDOW):
        for _ in range(_WINDOW):
            found = _doubled(found)
        found = _added(found, ones[one >> shift & 15])
        found = _added(found, others[other >> shift & 15])
    return found
