"""What a plan says that repeats a failed round with the same noisy vectors (docs/SPEC-2.md, section 6)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from privxray.formats.header import Base64, Fingerprint, PlanHash, Strict
from privxray.keys.roster import MAX_HOSPITALS


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
