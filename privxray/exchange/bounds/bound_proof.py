"""What a proof consists of, its bytes, and the challenges that come of them.

The bytes are D, M_x, M_w, T_0 and T_1 (points), z (128 numbers of 16 bytes, signed), s_x (d scalars), s_w (3
m + 128 scalars), and the scalars sigma_x, sigma_w and theta; all little-endian. An update's header has them
in base64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import shake_256

from privxray.errors import MalformedError
from privxray.exchange.bounds.statement import ROWS, Statement
from privxray.exchange.commitments.group import (
    ORDER,
    POINT_BYTES,
    WIDE_BYTES,
    generator,
    is_usable,
    wide_scalar,
)
from privxray.formats import canonical
from privxray.formats.header import Fingerprint
from privxray.formats.tensors import SCALAR_BYTES

_LABEL = b"privxray bounds v2"
_SUM_BYTES = 16
_POINTS = 5
RELATION = generator(2**32 - 2)
"""G', to which the value of the combined equation is committed."""


@dataclass(frozen=True)
class Announced:
    """The points of a proof.

    :ivar roots: D, the commitment to the roots and to the 128 numbers that hide the rows' sums.
    :ivar mask: M_x, and ``mask_roots`` M_w: commitments to what hides s_x and s_w.
    :ivar constant: T_0, and ``linear`` T_1: commitments to the coefficients of the combined equation.
    """

    roots: bytes
    mask: bytes
    mask_roots: bytes
    constant: bytes
    linear: bytes

    @property
    def points(self) -> tuple[bytes, ...]:
        """All of them, in the order of the proof's bytes."""
        return (self.roots, self.mask, self.mask_roots, self.constant, self.linear)


@dataclass(frozen=True)
class BoundProof:
    """A proof that a committed vector keeps to a statement.

    :ivar sums: z, shape [128]: what each row of R gives, hidden by a number of its own.
    :ivar vector: s_x and sigma_x, shape [d + 1]: e times the vector and its blinding factor, hidden.
    :ivar roots: s_w and sigma_w, shape [3 m + 129]: the same of what D commits to.
    :ivar relation: theta, the same of the blinding factors of T_0 and T_1.
    """

    announced: Announced
    sums: tuple[int, ...]
    vector: tuple[int, ...]
    roots: tuple[int, ...]
    relation: int

    def to_base64(self) -> str:
        """As an update's header has it."""
        scalars = (*self.vector[:-1], *self.roots[:-1], self.vector[-1], self.roots[-1], self.relation)
        return canonical.to_base64(
            b"".join(self.announced.points)
            + sums_bytes(self.sums)
            + b"".join(scalar.to_bytes(SCALAR_BYTES, "little") for scalar in scalars)
        )


def read_bound_proof(text: str, statement: Statement) -> BoundProof:
    """A proof from a header: of the right length, its points in the group, its scalars below L.

    :raises MalformedError: it is not so.
    """
    data = canonical.from_base64(text, "the proof of an update's bounds", reason="update.bounds-base64")
    size, length = statement.size, statement.length
    start = _POINTS * POINT_BYTES
    middle = start + ROWS * _SUM_BYTES
    if len(data) != middle + (length + 3) * SCALAR_BYTES:
        raise _other_form()
    points = [data[at : at + POINT_BYTES] for at in range(0, start, POINT_BYTES)]
    sums = [
        int.from_bytes(data[at : at + _SUM_BYTES], "little", signed=True)
        for at in range(start, middle, _SUM_BYTES)
    ]
    scalars = [
        int.from_bytes(data[at : at + SCALAR_BYTES], "little")
        for at in range(middle, len(data), SCALAR_BYTES)
    ]
    if not all(map(is_usable, points)) or max(scalars) >= ORDER:
        raise _other_form()
    *roots, sigma, sigma_roots, theta = scalars[size:]
    return BoundProof(Announced(*points), tuple(sums), (*scalars[:size], sigma), (*roots, sigma_roots), theta)


def sums_bytes(sums: Sequence[int]) -> bytes:
    """The sums z as bytes."""
    return b"".join(number.to_bytes(_SUM_BYTES, "little", signed=True) for number in sums)


def subject(plan: str, own: Fingerprint) -> bytes:
    """Whose vector a proof is about, and under which plan: 64 bytes."""
    return bytes.fromhex(plan) + bytes.fromhex(own)


class Challenges:
    """What a verifier would draw at random, hashed from all that came before it (Fiat and Shamir 1986).

    :param about: :func:`subject`.
    :param commitment: C.
    """

    def __init__(self, about: bytes, commitment: bytes) -> None:
        self._said = _LABEL + about + commitment

    def seed_of_rows(self, roots: bytes) -> bytes:
        """What R comes of, once D is fixed."""
        self._said += roots
        return self._said + b"rows"

    def weight(self, sums: Sequence[int]) -> int:
        """tau, which makes one equation of all, once z is fixed."""
        self._said += sums_bytes(sums)
        return self._scalar(b"weight")

    def challenge(self, announced: Announced) -> int:
        """e, once all points are fixed."""
        self._said += b"".join(announced.points[1:])
        return self._scalar(b"challenge")

    def _scalar(self, what: bytes) -> int:
        return wide_scalar(shake_256(self._said + what).digest(WIDE_BYTES))


def _other_form() -> MalformedError:
    return MalformedError(
        "the proof in it that the vector keeps to the plan's bounds has another form than the plan demands",
        reason="update.bounds-form",
        advice="Ask the hospital to export its update again, or plan the round anew without it",
    )


@dataclass(frozen=True)
class Claim:
    """That the vector behind a commitment keeps to a statement.

    :ivar about: :func:`subject`.
    :ivar commitment: C.
    """

    about: bytes
    commitment: bytes
    proof: BoundProof
