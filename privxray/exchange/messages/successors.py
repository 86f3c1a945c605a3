"""The hospitals that may name a new coordinator, as a plan states them (docs/SPEC-2.md, section 10).

Tested in tests/unit/test_succession.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, JsonValue

from privxray.errors import RefusedError
from privxray.formats.features import is_ascending
from privxray.formats.header import Fingerprint, Strict
from privxray.keys.roster import MAX_HOSPITALS, Roster

LEAST_VOTES = 2
"""One hospital alone names nobody."""

_OTHER_PLAN = "The coordinator has to make another plan"


class Successors(Strict):
    """``threshold`` of the hospitals ``members`` (fingerprints, ascending) name a coordinator together."""

    members: Annotated[tuple[Fingerprint, ...], Field(strict=False, max_length=MAX_HOSPITALS)]
    threshold: Annotated[int, Field(ge=LEAST_VOTES, le=MAX_HOSPITALS)]

    def verify(self, roster: Roster) -> None:
        """Check that these are hospitals of the roster, and enough of them.

        :raises RefusedError: they are not.
        """
        if not is_ascending(self.members):
            raise RefusedError(
                "the plan lists the hospitals that may name a new coordinator twice, or out of order",
                reason="plan.successors-order",
                advice=_OTHER_PLAN,
            )
        if any(roster.hospital(member) is None for member in self.members):
            raise RefusedError(
                "the plan lets somebody name a new coordinator who is no hospital of it",
                reason="plan.successors-unknown",
                advice=_OTHER_PLAN,
            )
        if self.threshold > len(self.members):
            raise RefusedError(
                f"the plan asks for {self.threshold} votes for a new coordinator, and {len(self.members)} "
                "hospitals have one",
                reason="plan.successors-too-few",
                advice=_OTHER_PLAN,
            )

    def after(self, before: Roster, roster: Roster) -> Successors | None:
        """Those of a further plan: who left has no vote any more, and who has new keys keeps it by its name.

        :param before: the roster that these are of. :param roster: of the further plan.
        :returns: None where fewer are left than have to agree.
        """
        names = {before.known_hospital(member).name for member in self.members}
        members = sorted(member.keys.fingerprint for member in roster.members if member.name in names)
        return successors_of(members, self.threshold)

    def stated(self, roster: Roster) -> Mapping[str, JsonValue]:
        """By name, for display."""
        names: list[JsonValue] = [m.name for m in roster.members if m.keys.fingerprint in self.members]
        return {"successors": names, "successor_threshold": self.threshold}


def successors_of(members: list[Fingerprint], threshold: int) -> Successors | None:
    """The successors of these members; None where they are fewer than have to agree."""
    return (
        Successors(members=tuple(sorted(members)), threshold=threshold) if len(members) >= threshold else None
    )
