"""Where a workspace stands and what a file says: read-only, and quick to start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privxray.deid.cleaning.manifest import FILE as MANIFEST
from privxray.deid.cleaning.manifest import Manifest
from privxray.errors import IdentityError, about
from privxray.exchange.intake import read_again
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.request import RequestHeader
from privxray.exchange.messages.share import ShareHeader
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.header import Header
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.card import CardHeader
from privxray.keys.identity import PublicKeys
from privxray.workflow.common.session import left_out, load_plan, public_keys
from privxray.workflow.inference.trust import known_parties
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State

_HEADERS: dict[str, type[Header]] = {
    "card": CardHeader,
    "plan": PlanHeader,
    "update": UpdateHeader,
    "request": RequestHeader,
    "share": ShareHeader,
    "model": ModelHeader,
    "offer": OfferHeader,
    "query": QueryHeader,
    "answer": AnswerHeader,
}


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


@dataclass(frozen=True)
class Inspected:
    """A file's header as JSON, and in words how far its signature can be judged here."""

    header: dict[str, Any]
    signature: str

    def rows(self) -> Iterator[tuple[str, str]]:
        """The header flattened to lines for a person; long keys are cut."""
        return _flatten("", self.header)


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


def inspect_file(path: Path, workspace: Workspace | None) -> Inspected:
    """Read a travelling file where it lies.

    :raises MalformedError: damaged.
    :raises IdentityError: altered, where the signer's key is in the file or known here.
    """
    with about(path):
        received = read_again(path)
        model = _HEADERS[received.envelope.kind]
        header = received.envelope.claim(model)
        key, words = _signer(header, received.envelope.key_id, workspace)
        if key is not None:
            received.envelope.verify(key.verifier(), model)
            if key.fingerprint != received.envelope.key_id:
                raise IdentityError("the file names another signer than the one who signed it")
        received.check_body(header.body)
        return Inspected(header.model_dump(mode="json"), words)


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
        if round_.state in ("joined", "trained") and left_out(workspace, state, round_):
            yield "this round is opened without this hospital; when the next plan comes: privxray accept FILE"
            if round_.model is not None:
                yield f"privxray predict IMAGE...{option} uses the model that came of it"
        elif round_.state == "joined" and not (workspace.data / "data.db").exists():
            yield "privxray ingest FOLDER --labels labels.csv"
        elif round_.state == "joined" and round_.epsilon is not None:
            yield f"training was begun and not finished; it goes on with: privxray train{option}"
        elif round_.state == "joined":
            yield f"privxray train{option}"
        elif round_.state == "trained":
            yield f"privxray export-update{option}"
        elif round_.state == "exported":
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
    elif round_.state == "open":
        plan = load_plan(workspace, round_)
        names = ", ".join(member.name for member in plan.roster.members)
        yield f"wait for the updates of {names}; then: privxray aggregate updates/*.enc"
    elif round_.state == "requested":
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
        if round_.state == "joined":
            yield f"when the coordinator's request of the study {study} comes: privxray unmask FILE"
        else:
            share = f"{workspace.config.name}-{round_.number:04d}.share"
            yield f"carry {share} to the coordinator; when the study's next plan comes: privxray accept FILE"


_ADVICE = {"hospital": _hospital_advice, "coordinator": _coordinator_advice, "trustee": _trustee_advice}


def _signer(header: Header, key_id: str, workspace: Workspace | None) -> tuple[PublicKeys | None, str]:
    """The key to verify with, and how much that is worth."""
    if isinstance(header, CardHeader):
        return header.keys, "good, by the key in the card itself; key words settle whose it is"
    trusted = _trusted_keys(workspace)
    if key_id in trusted:
        keys, name = trusted[key_id]
        return keys, f"good, by {name}"
    own = _own_keys_in(header)
    if own is not None:
        return own, f"good, by the key in the {header.kind} itself; key words settle whose it is"
    return None, "not checked: the signer is not known in this workspace"


def _own_keys_in(header: Header) -> PublicKeys | None:
    if isinstance(header, PlanHeader):
        return header.coordinator
    if isinstance(header, OfferHeader):
        return header.owner
    return header.hospital if isinstance(header, QueryHeader) else None


def _trusted_keys(workspace: Workspace | None) -> dict[str, tuple[PublicKeys, str]]:
    if workspace is None:
        return {}
    known: dict[str, tuple[PublicKeys, str]] = {}
    with State(workspace.state_path) as state:
        for name, keys in state.parties():
            met = PublicKeys.model_validate_json(keys)
            known[met.fingerprint] = (met, name)
        for round_ in state.rounds():
            plan = load_plan(workspace, round_)
            known[plan.sender] = (plan.coordinator, f"the coordinator of {plan.study}")
            for party in plan.roster.parties:
                known[party.keys.fingerprint] = (party.keys, party.name)
    return known


def _flatten(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(f"{prefix}.{key}" if prefix else key, inner)
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for place, inner in enumerate(value):
            yield from _flatten(f"{prefix}[{place}]", inner)
    else:
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield prefix, text if len(text) <= 80 else f"{text[:32]}... ({len(text)} characters)"
