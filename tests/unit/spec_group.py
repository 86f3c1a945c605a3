"""The group of docs/SPEC-2.md, section 5, by libsodium: quicker than :mod:`spec_reader`, which is plain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import spec_reader as spec
from nacl.bindings import crypto_core_ed25519_add, crypto_scalarmult_ed25519_noclamp
from nacl.exceptions import RuntimeError as NoPointError

H, OTHER = 2**32 - 1, 2**32 - 2
"""The numbers of the generators H (section 5) and G' (section 13)."""


_GENERATORS: dict[int, bytes] = {}


def generator(index: int) -> bytes:
    counter = 0
    while index not in _GENERATORS:
        label = b"privxray generator v2" + index.to_bytes(4, "big") + counter.to_bytes(4, "big")
        point, counter = hashlib.sha256(label).digest(), counter + 1
        try:
            for _ in range(3):
                point = crypto_core_ed25519_add(point, point)
        except NoPointError:
            continue
        _GENERATORS[index] = point
    return _GENERATORS[index]


def combined(pairs: Iterable[tuple[int, int]]) -> bytes:
    """The sum of scalar times generator, of (scalar, number of the generator)."""
    total = None
    for scalar, at in pairs:
        if scalar % spec.ORDER == 0:
            continue  # libsodium refuses the neutral element
        part = crypto_scalarmult_ed25519_noclamp((scalar % spec.ORDER).to_bytes(32, "little"), generator(at))
        total = part if total is None else crypto_core_ed25519_add(total, part)
    assert total is not None
    return total


def commitment(scalars: list[int]) -> bytes:
    return combined(zip(scalars, [*range(len(scalars) - 1), H], strict=True))
