"""What a plan says that repeats a failed round with the same noisy vectors (docs/SPEC-2.md, section 6)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from privxray.formats.header import Base64, Fingerprint, PlanHash, Strict
from privxray.keys.roster import MAX_HOSPITALS

MAX_REFUSALS = 64
MAX_FAULTY = 2_900_000
"""Characters of base64: the longest update with a proof of bounds, or one of 68,000 numbers without."""


class Same(Strict):
    """A hospital that sends the same vector again, and the commitment by which everybody sees that it is."""

    party: Fingerprint
    commitment: Base64


class Repeats(Strict):
    """The field ``repeats`` of a plan.

    ``plan`` is the hash of the plan whose round failed. ``same`` are the hospitals that export the same
    vector under fresh masks, by ascending fingerprint. Those of the roster that are not in it train anew.
    """

    plan: PlanHash
    same: Annotated[tuple[Same, ...], Field(strict=False, min_length=1, max_length=MAX_HOSPITALS)]

    def commitment_of(self, party: Fingerprint) -> str | None:
        """The commitment that a hospital has to repeat; None for one that trains anew."""
        return next((one.commitment for one in self.same if one.party == party), None)


class Faulty(Strict):
    """An update of the failed round that is not what its hospital committed to, so that everybody sees it.

    ``update`` is the whole file, ``key`` opens its body, both in base64.
    """

    update: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=MAX_FAULTY)]
    key: Base64


class Without(Strict):
    """The field ``without`` of a plan: how its round differs from the one that it repeats, and who agreed.

    ``asked`` are the hospitals whose sum keyholders may have helped to open already, ascending: they can
    help to open no other one. It is null where no keyholder was asked, and in the mode ``strict``.
    ``faulty`` are hospitals that are left out for an update that is not as committed, in the mode ``strict``.
    ``waivers`` and ``refusals`` are files of these kinds, whole, in base64
    (:mod:`privxray.exchange.messages.consents`).
    """

    asked: Annotated[tuple[Fingerprint, ...], Field(strict=False, max_length=MAX_HOSPITALS)] | None = None
    faulty: Annotated[tuple[Faulty, ...], Field(strict=False, max_length=MAX_HOSPITALS)] = ()
    waivers: Annotated[tuple[Base64, ...], Field(strict=False, max_length=MAX_HOSPITALS)] = ()
    refusals: Annotated[tuple[Base64, ...], Field(strict=False, max_length=MAX_REFUSALS)] = ()
