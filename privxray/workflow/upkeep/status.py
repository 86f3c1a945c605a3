"""Where a workspace stands and what a file says: read-only, and quick to start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from privxray.deid.cleaning.manifest import FILE as MANIFEST
from privxray.deid.cleaning.manifest import Manifest
from privxray.workflow.common.session import left_out, load_plan, public_keys
from privxray.workflow.inference.trust import known_parties
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State
from privxray.workspace.transitions import RoundState


@dataclass(frozen=True)
class Overview:
    """The rounds of a workspace, oldest first, and what to type next.

    ``answered`` says how many images of whom were answered by which model, ``waiting`` how many queries of
    this hospital have no answer read yet.
    """

    rounds: tuple[Round, ...]
    advice: tuple[str, ...]
    answered: tuple[tuple[str, str, int], ...]
    waiting: int


def overview(workspace: Workspace) -> Overview:
    """Look at a workspace, also one that a crash left in the middle of something."""
    with State(workspace.state_path) as state:
        rounds = tuple(state.rounds())
        advice = tuple(_ADVICE[workspace.config.role](workspace, state))
        counts = state.answer_counts()
        names = {k.fingerprint: name for name, k in known_parties(workspace, state)} if counts else {}
        answered = tuple((names.get(who, who[:16]), model, images) for who, model, images in counts)
        waiting = sum(not row.answered for row in state.asked())
        return Overview(rounds, advice, answered, waiting)


def _hospital_advice(workspace: Workspace, state: State) -> Iterator[str]:
    studies = state.studies()
    if (workspace.data / MANIFEST).exists():
        with Manifest(workspace.data, state.secret("manifest")) as manifest:
            if manifest.unfinished():
                yield "a de-identification was cut off; type the same privxray deidentify command again"
    if not studies and not workspace.card_path.exists():
        yield "init was cut off before its card was written; type: privxray card"
        return
    if not studies and state.offers():
        yield "privxray infer ask IMAGE... asks for predictions; privxray infer read FILE reads an answer"
        return
    if not studies:
        yield f"carry {workspace.card_path.name} to the coordinator; when the plan comes: privxray join FILE"
        return
    yield from _audit_advice(workspace)
    for study in studies:
        round_ = state.last_round(study)
        assert round_ is not None
        option = f" --study {study}" if len(studies) > 1 else ""
        yield from _keyholder_advice(workspace, state, round_)
        if round_.state.inside and left_out(workspace, state, round_):
            yield "this round is opened without this hospital; when the next plan comes: privxray accept FILE"
            if round_.model is not None:
                yield f"privxray predict IMAGE...{option} uses the model that came of it"
        elif round_.state is RoundState.JOINED and not (workspace.data / "data.db").exists():
            yield "privxray ingest FOLDER --labels labels.csv"
        elif round_.state is RoundState.JOINED and round_.epsilon is not None:
            yield f"training was begun and not finished; it goes on with: privxray train{option}"
        elif round_.state is RoundState.JOINED:
            yield f"privxray train{option}"
        elif round_.state is RoundState.TRAINED:
            yield f"privxray export-update{option}"
        elif round_.state is RoundState.EXPORTED:
            update = f"{workspace.config.name}-{round_.number:04d}.enc"
            yield f"carry {update} to the coordinator; when the answer comes: privxray accept FILE"
        else:
            yield f"privxray evaluate{option}, or privxray predict IMAGE..."


def _audit_advice(workspace: Workspace) -> Iterator[str]:
    for folder in sorted(workspace.audits.glob("*.running")):
        yield f"an audit was begun and not finished; it goes on with: privxray audit {folder.stem} --own"


def _keyholder_advice(workspace: Workspace, state: State, round_: Round) -> Iterator[str]:
    plan = load_plan(workspace, round_)
    own = public_keys(workspace).fingerprint
    if plan.committee and plan.committee.seat(own) and state.answer_of(round_.plan) is None:
        yield "this hospital is a keyholder: when the coordinator's request comes: privxray unmask FILE"


def _coordinator_advice(workspace: Workspace, state: State) -> Iterator[str]:
    round_ = state.last_round(workspace.config.study or "")
    if round_ is None:
        yield "collect the hospitals' cards in cards/, then: privxray plan cards/*.card"
    elif round_.state is RoundState.OPEN:
        plan = load_plan(workspace, round_)
        names = ", ".join(member.name for member in plan.roster.members)
        yield f"wait for the updates of {names}; then: privxray aggregate updates/*.enc"
    elif round_.state is RoundState.REQUESTED:
        plan = load_plan(workspace, round_)
        assert plan.committee is not None  # only such a plan is ever requested for
        holders = [plan.roster.party(seat.keyholder) for seat in plan.committee.seats]
        yield (
            f"carry round-{round_.number:04d}.request to {', '.join(h.name for h in holders if h)}; when "
            f"{plan.committee.threshold} have answered: privxray aggregate FOLDER/*.share"
        )
    elif round_.stage < load_plan(workspace, round_).stages:
        yield (
            f"carry models/global-{round_.number:04d}.model to the hospitals; for the next round: privxray "
            "plan CARDS --continue, with fresh cards of those that did not deliver or answer"
        )
    else:
        yield f"the study is complete: carry models/global-{round_.number:04d}.model to the hospitals"


def _trustee_advice(workspace: Workspace, state: State) -> Iterator[str]:
    studies = state.studies()
    if not studies and not workspace.card_path.exists():
        yield "init was cut off before its card was written; type: privxray card"
    elif not studies:
        yield f"carry {workspace.card_path.name} to the coordinator; when the plan comes: privxray join FILE"
    for study in studies:
        round_ = state.last_round(study)
        assert round_ is not None
        if round_.state is RoundState.JOINED:
            yield f"when the coordinator's request of the study {study} comes: privxray unmask FILE"
        else:
            share = f"{workspace.config.name}-{round_.number:04d}.share"
            yield f"carry {share} to the coordinator; when the study's next plan comes: privxray accept FILE"


_ADVICE = {"hospital": _hospital_advice, "coordinator": _coordinator_advice, "trustee": _trustee_advice}
