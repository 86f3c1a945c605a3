"""What the coordinator's next plan says of its files before it, and of who has seen them.

Tested in tests/attacks/test_equivocation.py and tests/cli/test_keyholders.py.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from privxray.exchange.messages.heads import START, Seen, Since, head_after
from privxray.exchange.messages.plan import SignedPlan
from privxray.formats.features import HEADS
from privxray.formats.header import Digest, Fingerprint, PlanHash
from privxray.keys.identity import PublicKeys
from privxray.keys.mask_statement import MaskStatement
from privxray.keys.unsealing_statement import UnsealingStatement
from privxray.workflow.common.planned_round import PlannedRound
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState


@dataclass(frozen=True)
class Past:
    """What came before a plan.

    :param before: the plan before; None where there is none.
    :param since: what was signed under that plan; None where this workspace does not know it any more.
    :param parties: whose files were taken in under that plan. Each stated the head of that plan, or it would
        not have been taken in.
    """

    before: SignedPlan | None
    since: Since | None
    parties: Collection[Fingerprint] = ()

    def fields(self, features: Collection[str]) -> dict[str, Any]:
        """The fields of these names of a plan with these features; all None without the feature."""
        if HEADS not in features:
            return {"head": None, "since": None, "heads": None}
        if self.before is None:
            return {"head": START, "since": Since(request=None, result=None), "heads": ()}
        head, stated = self.before.head_after, self.before.stated_head
        seen = [Seen(party=one, head=stated) for one in sorted(self.parties) if stated is not None]
        files = self.since.files() if self.since else ()
        return {"head": head_after(head, *files), "since": self.since, "heads": tuple(seen)}


def past_of(state: State, last: PlannedRound, own: PublicKeys) -> Past:
    """What came before the plan that follows another one.

    :param own: the coordinator's keys. What another coordinator signed under its last plan is not known here.
    """
    succeeded = last.plan.coordinator != own
    since = None if succeeded else since_of(state, last.round)
    return Past(last.signed, since, taken_in(state, last.round.plan))


def taken_in(state: State, plan: PlanHash) -> set[Fingerprint]:
    """The parties whose files are in what was made under a plan: each stated a key for the plan after it."""
    return {*state.next_keys(plan, MaskStatement), *state.next_keys(plan, UnsealingStatement)}


def since_of(state: State, round_: Round, result: Digest | None = None) -> Since | None:
    """What was signed under the plan of a round that a further plan follows.

    :param result: the digest of the model or summary that is being signed; None for the one that is recorded.
    :returns: None where the round ended when the workspace was restored from a backup, for then this
        workspace does not know what was signed since.
    """
    if round_.state is RoundState.VOID:
        return None
    return Since(request=state.request_of(round_.plan), result=result or round_.result)
