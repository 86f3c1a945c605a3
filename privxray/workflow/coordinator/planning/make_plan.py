"""``plan``: the parties of the cards are enrolled, and the plan of a study's first stage is signed.

Tested in tests/cli/test_rounds.py and tests/cli/test_bad_input.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as with_fields
from pathlib import Path

from privxray.errors import STATUS_SAYS, RefusedError
from privxray.exchange.messages.plan import PlanHeader
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.planned_round import planned_round
from privxray.workflow.coordinator.planning.enrolment import Parties, enrol
from privxray.workflow.coordinator.planning.older_cards import given_up_for
from privxray.workflow.coordinator.planning.past_files import Past, past_of
from privxray.workflow.coordinator.planning.plan_terms import Terms, first_stage
from privxray.workflow.coordinator.planning.read_cards import check_unused, read_cards
from privxray.workflow.coordinator.planning.sign_plan import Planned, deliver_plan, sign_plan
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working


def make_plan(
    workspace: Workspace,
    cards: Sequence[Path],
    terms: Terms,
    passphrase: Passphrase,
    *,
    replace: bool = False,
    force: bool = False,
) -> Planned:
    """Enrol the parties of these cards and sign the plan of a study's first stage.

    Called again with the same cards while its round is open, it delivers the same bytes again; the terms are
    then the same too, or all left at their defaults.

    :param replace: give up the open round (its number is not used again) and plan anew.
    :param force: replace another file that stands where the plan goes.
    :raises RefusedError: an unsafe roster, a used-up key, or an open round of other cards or terms.
    """
    workspace.require("coordinator", "plan")
    identity = unlock(workspace, passphrase)
    with working(workspace) as session:
        study = workspace.own_study
        enrolled = read_cards(session, cards)
        last = session.state.last_round(study)
        planned = planned_round(workspace, last) if last else None
        before = planned.plan if planned else None
        asked = terms.features(enrolled)
        parties = enrol(enrolled, terms.committee, before, study, identity.public(), asked)
        is_open = last is not None and last.state.awaits_files
        if before and is_open and _is_open_plan(parties, before, replace=replace):
            _expect_its_terms(terms, before)
            return deliver_plan(session, before, force=force)
        check_unused(session, enrolled)
        past = past_of(session.state, planned, identity.public()) if planned else Past(None, None)
        draft = first_stage(workspace, terms, parties, identity.public(), past)
        done = sign_plan(session, identity, draft, force=force)
        return with_fields(done, warnings=(*done.warnings, *given_up_for(enrolled, terms)))


def _is_open_plan(parties: Parties, plan: PlanHeader, *, replace: bool) -> bool:
    """Whether these are the open plan's cards, so that it is delivered once more instead of being replaced.

    At a later stage the cards are still those that the hospitals sent first, for keys now come with updates
    and share files. So there, without ``--replace``, the same parties are enough.

    :raises RefusedError: they are not, and the open round is not to be given up.
    """
    same_cards = (parties.roster, parties.committee) == (plan.roster, plan.committee)
    same_parties = parties.roster.version == plan.roster.version
    if same_cards or (not plan.place.is_first and same_parties and not replace):
        return True
    if not replace:
        raise RefusedError(
            f"round {plan.round} is open, and these cards are not those of its plan",
            reason="plan.other-cards",
            advice="With fresh cards of all, --continue plans the round anew, and --replace begins the study "
            f"anew. {STATUS_SAYS}",
        )
    return False


def _expect_its_terms(terms: Terms, plan: PlanHeader) -> None:
    """A signed plan keeps its terms: whoever types others must not take it for one that has them."""
    if not terms.are_those_of(plan):
        raise RefusedError(
            f"round {plan.round} is open under different terms, and a signed plan keeps its terms",
            reason="plan.other-terms",
            advice="To correct them, ask every party for a fresh card (privxray card), collect those in "
            "cards/, and type the same command with --replace. Plans that were carried already are then void",
        )
