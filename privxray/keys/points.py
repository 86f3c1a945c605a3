"""Whether 32 bytes are a public key of Curve25519 that only its owner can use.

Libraries accept more than that. With a point of small order, everybody has the same X25519 secret, zero, and
sealing to it fails in the middle of somebody else's command. As an Ed25519 key, such a point verifies
signatures that anybody can write. A number that is not below p is a second encoding of another key, so one
key could pass for two.
"""

from __future__ import annotations

_P = 2**255 - 19

# u of the points of small order on the Montgomery curve and its twist (RFC 7748, section 6.1; the list is on
# Bernstein's page on Curve25519). X25519's scalars are multiples of 8, so each gives a shared secret of zero.
_X25519_SMALL = frozenset(
    {
        0,
        1,
        _P - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)

# y of the eight points of small order on the Edwards curve (RFC 8032, section 5.1): the neutral one, that of
# order 2, those of order 4 (y = 0) and of order 8.
_Y8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_ED25519_SMALL = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})


def is_x25519(raw: bytes) -> bool:
    """Whether these 32 bytes are a canonical X25519 key that is not of small order."""
    u = int.from_bytes(raw, "little")
    return u < _P and u not in _X25519_SMALL


def is_ed25519(raw: bytes) -> bool:
    """Whether the y of these 32 bytes is canonical and not of small order; x is its sign in the top bit."""
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    return y < _P and y not in _ED25519_SMALL
