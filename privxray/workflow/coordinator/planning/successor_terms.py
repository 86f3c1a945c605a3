"""Who may name another coordinator, as this one chooses it by names.

Tested in tests/unit/test_succession.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.errors import UsageError
from privxray.exchange.messages.successors import LEAST_VOTES, Successors
from privxray.keys.roster import Roster


@dataclass(frozen=True)
class SuccessorTerms:
    """Who may name another coordinator, should this one's key be lost.

    :param hospitals: by name.
    :param threshold: how many of them have to agree; None for more than half, and at least 2.
    """

    hospitals: tuple[str, ...]
    threshold: int | None = None

    def among(self, roster: Roster) -> Successors:
        """As a plan of this roster states it.

        :raises UsageError: no hospital has one of the names, or fewer are named than have to agree.
        """
        found = {member.name: member.keys.fingerprint for member in roster.members}
        unknown = sorted(set(self.hospitals) - found.keys())
        if unknown:
            raise UsageError(
                f"no hospital's card is of that name: {', '.join(unknown)}",
                reason="plan.unknown-successor",
                advice="Give the card of each hospital that --successors names",
            )
        members = sorted({found[name] for name in self.hospitals})
        threshold = max(LEAST_VOTES, len(members) // 2 + 1) if self.threshold is None else self.threshold
        if not LEAST_VOTES <= threshold <= len(members):
            raise UsageError(
                f"{threshold} of {len(members)} hospitals can't name a coordinator: it takes at least "
                f"{LEAST_VOTES}, and no more than are named",
                reason="plan.successor-threshold",
                advice="Name more hospitals (--successors A,B,C), or type another --successor-threshold",
            )
        return Successors(members=tuple(members), threshold=threshold)
