"""``plan --repeat``: the open round once more, with the same noisy vectors under fresh masks.

A hospital whose update is what it committed to sends the same vector again and pays nothing. One whose update
is not has to train anew.

Tested in tests/cli/test_repeated_rounds.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from privxray.errors import CohortError, RefusedError
from privxray.exchange.messages.repeats import Repeats, Same
from privxray.exchange.opening_committed import suspects
from privxray.formats.features import REPEATS
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.coordinator.collected_files import Collected, collect, incomplete
from privxray.workflow.coordinator.continue_plan import following
from privxray.workflow.coordinator.next_parties import NextKeys, carry_on
from privxray.workflow.coordinator.open_round_sum import committed_updates
from privxray.workflow.coordinator.past_files import Past, since_of
from privxray.workflow.coordinator.sign_plan import Planned, deliver_plan, sign_plan
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.transitions import RoundState


def repeat_round(
    workspace: Workspace, updates: Sequence[Path], passphrase: Passphrase, *, force: bool = False
) -> Planned:
    """Sign the plan that repeats the open round; called again with the same updates, deliver it again.

    :param updates: of every hospital of the round; their next mask keys serve the repetition.
    :param force: replace another file that stands where the plan goes.
    :raises RefusedError: no round is open, or its plan allows no repetition.
    :raises CohortError: an update is missing or refused, or every one is wrong.
    """
    workspace.require("coordinator", "plan")
    identity = unlock(workspace, passphrase)
    with working(workspace) as session, ExitStack() as copies:
        collected = collect(session, updates, copies)
        nothing_new = not (collected.updates or collected.blocking(complete=False))
        if collected.plan.repeats is not None and nothing_new:
            # Typed again with the same updates: an earlier call may have been cut off.
            return deliver_plan(session, collected.plan, force=force)
        _expect_repeatable(session, collected)
        missing = [member.name for member in collected.cohort.missing]
        unfit = collected.blocking(complete=not missing)
        if missing or unfit:
            raise incomplete(session, collected.plan, missing, unfit)
        wrong = suspects(collected.plan, committed_updates(collected, identity))
        headers = {sender: one.header for sender, one in sorted(collected.cohort.updates.items())}
        same = [
            Same(party=sender, commitment=header.commitment or "")
            for sender, header in headers.items()
            if sender not in wrong
        ]
        if not same:
            raise CohortError(
                "every update is wrong, so nothing can be repeated",
                reason="repeat.nobody",
                file=workspace.updates,
                advice="Plan the round anew: privxray plan cards/*.card --continue",
            )
        keys = NextKeys({sender: header.next_mask for sender, header in headers.items()}, {})
        before = collected.planned
        parties = carry_on([], before.plan, keys, (), before.plan.coordinator)
        past = Past(before.signed, since_of(session.state, before.round), headers)
        draft = following(past, parties, before.plan.place, before.file.body())
        repeats = Repeats(plan=before.signed.digest, same=tuple(same))
        draft = replace(draft, plan=draft.plan.model_copy(update={"repeats": repeats}))
        return sign_plan(session, identity, draft, before.plan, force=force)


def _expect_repeatable(session: Session, collected: Collected) -> None:
    if collected.planned.round.state is not RoundState.OPEN:
        raise RefusedError(
            "no round is open, so none can be repeated",
            reason="repeat.no-round-open",
            file=session.root,
            advice="Type: privxray status",
        )
    if REPEATS not in collected.plan.features or collected.plan.committee is not None:
        raise RefusedError(
            "the plan of this round allows no repetition: that takes commitments and the mode strict",
            reason="repeat.not-in-plan",
            file=session.root,
            advice="Plan it anew with fresh cards: privxray plan cards/*.card --continue; hospitals that had "
            "exported train anew",
        )
