"""The coordinator's side of a plan: what it fixes, its signature, and the round that it opens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import JsonValue

from privxray.errors import MalformedError, RefusedError, UsageError, WorkspaceError, about
from privxray.exchange.admission.differencing import differs_by_one
from privxray.exchange.intake import read_again
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.container import seal_header, split
from privxray.formats.header import Body, Fingerprint, PlanHash
from privxray.formats.tensors import pack
from privxray.keys.identity import Identity
from privxray.keys.maskkey import MaskStatement
from privxray.keys.unsealing import UnsealingStatement
from privxray.privacy.guarantee import require_delta_below, require_epsilon
from privxray.workflow.common.method_inputs import extractor_of, fits_extractor
from privxray.workflow.common.session import (
    SOFTWARE,
    Passphrase,
    deliver,
    global_copy,
    load_plan,
    now,
    read_plan,
    unlock,
)
from privxray.workflow.coordinator.enrolment import (
    CommitteeTerms,
    Parties,
    carry_on,
    check_unused,
    enrol,
    read_cards,
)
from privxray.workflow.coordinator.starting_weights import read_start
from privxray.workspace.atomic import atomic_file, make_private_folder
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State
from privxray.workspace.transitions import Event, RoundState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod

_Stated = TypeVar("_Stated", MaskStatement, UnsealingStatement)

DEFAULT_CLASSES = ("normal", "bacteria", "virus")
DEFAULT_EPSILON = 6.0
DEFAULT_DELTA = 1e-5


@dataclass(frozen=True)
class Terms:
    """What a coordinator may choose; the defaults are a linear probe in one strict round.

    ``constants`` override single public constants of the method. ``rounds`` None means the method's default.
    ``committee`` None is the mode ``strict``. ``start`` is a safetensors file with the first round's weights.
    """

    method: Literal["linear-probe", "dp-sgd"] = "linear-probe"
    classes: tuple[str, ...] = DEFAULT_CLASSES
    rounds: int | None = None
    epsilon: float = DEFAULT_EPSILON
    delta: float = DEFAULT_DELTA
    constants: Mapping[str, JsonValue] = field(default_factory=dict)
    committee: CommitteeTerms | None = None
    start: Path | None = None


@dataclass(frozen=True)
class Planned:
    """A plan that is ready to be carried: its file, its header, the key words to compare, and what to
    heed.
    """

    path: Path
    plan: PlanHeader
    key_words: str
    warnings: tuple[str, ...] = ()


def make_plan(
    workspace: Workspace,
    cards: Sequence[Path],
    terms: Terms,
    passphrase: Passphrase,
    *,
    replace: bool = False,
    force: bool = False,
) -> Planned:
    """Enrol the hospitals of these cards and sign the plan of a study's first stage.

    Called again with the same cards while its round is open, it delivers the same bytes again; the terms are
    then the same too, or all left at their defaults.

    :param replace: give up the open round (its number is not used again) and plan anew.
    :param force: overwrite another file that stands where the plan goes.
    :raises RefusedError: an unsafe roster, a used-up key, or an open round of other cards or terms.
    """
    workspace.require("coordinator", "plan")
    identity = unlock(workspace, passphrase)
    with workspace.locked(), State(workspace.state_path) as state:
        study = workspace.config.study or ""
        enrolled = read_cards(workspace, cards, study)
        last = state.last_round(study)
        before = load_plan(workspace, last) if last else None
        parties = enrol(enrolled, terms.committee, before, study, identity.public())
        is_open = last and before and last.state.awaits_files
        if last and before and is_open and _is_open_plan(parties, before, last, replace=replace):
            _expect_its_terms(terms, before, last)
            return deliver_plan(workspace, before, force=force)
        check_unused(enrolled, state.used_round_keys())
        plan, body = _first_stage(workspace, parties, terms, identity, last)
        return _sign(workspace, state, identity, plan, body, before, force=force)


def continue_plan(
    workspace: Workspace,
    cards: Sequence[Path],
    passphrase: Passphrase,
    *,
    without: Sequence[str] = (),
    force: bool = False,
) -> Planned:
    """Sign the plan of the next stage, or of the open round's stage anew, under the same terms.

    Keys for the round come from the updates and share files of the round before, and from fresh cards of
    those that gave none. An open round is given up with it.

    :param without: names of parties that are left out from here on.
    :raises WorkspaceError: there is no plan to go on from.
    :raises RefusedError: the study is complete, a party's next key is missing, or a key was used before.
    """
    workspace.require("coordinator", "plan")
    identity = unlock(workspace, passphrase)
    with workspace.locked(), State(workspace.state_path) as state:
        study = workspace.config.study or ""
        last = state.last_round(study)
        if last is None:
            raise WorkspaceError(
                "there is no plan to go on from", file=workspace.root, advice="Type: privxray plan CARDS"
            )
        before, file = read_plan(workspace, last)
        if last.state is RoundState.CLOSED and before.stage == before.stages:
            raise RefusedError("the study is complete: its last stage is closed")
        enrolled = read_cards(workspace, cards, study)
        check_unused(enrolled, state.used_round_keys())
        parties = carry_on(
            enrolled,
            before,
            _stated(state, last.plan, MaskStatement),
            _stated(state, last.plan, UnsealingStatement),
            without,
            identity.public(),
        )
        closed = last.state is RoundState.CLOSED
        body = read_again(global_copy(workspace, last)).body() if closed else file.body()
        plan = _following(before, last.plan, parties, before.stage + 1 if closed else before.stage, body)
        return _sign(workspace, state, identity, plan, body, before, force=force)


def next_stage(
    plan: PlanHeader, plan_hash: str, parties: Parties, model: Mapping[str, NDArray[Any]]
) -> tuple[PlanHeader, bytes]:
    """The plan of the following stage: the same terms, the parties' next keys, the new model."""
    body = pack(model)
    return _following(plan, plan_hash, parties, plan.stage + 1, body), body


def stage_plan(workspace: Workspace, identity: Identity, plan: PlanHeader, body: bytes) -> PlanHash:
    """Sign a plan and keep it; it has not left yet, and until it is recorded it may be signed anew.

    :returns: the plan hash.
    """
    header = seal_header(plan, identity.signing, plan.sender)
    copy = workspace.plan_copy(plan.study or "", plan.round)
    make_private_folder(copy.parent)
    with atomic_file(copy, overwrite=True) as stream:
        stream.write(header)
        stream.write(body)
    return PlanHash(split(header).digest)


def record_plan(state: State, plan: PlanHeader, plan_hash: PlanHash) -> None:
    """Open the round of a staged plan. Call it in a transaction, and let the plan leave afterwards."""
    keys = [member.mask.key for member in plan.roster.members]
    keys += [seat.unsealing.key for seat in (plan.committee.seats if plan.committee else ())]
    state.use_round_keys(keys, plan.round)
    study = plan.study or ""
    last = state.last_round(study)
    if last is not None:
        state.change_round("coordinator", last, Event.SUCCEED)
    state.begin_round(
        "coordinator", Event.PLAN, study=study, number=plan.round, plan=plan_hash, stage=plan.stage
    )


def deliver_plan(
    workspace: Workspace,
    plan: PlanHeader,
    *,
    warnings: tuple[str, ...] = (),
    force: bool = False,
) -> Planned:
    """Put a recorded plan where it leaves from."""
    path = workspace.root / f"plan-{plan.round:04d}.plan"
    words = plan.roster.key_words(plan.study or "", plan.coordinator)  # before the file: it takes 128 MiB
    deliver(workspace.plan_copy(plan.study or "", plan.round).read_bytes(), path, force=force)
    return Planned(path, plan, words, warnings)


def _sign(
    workspace: Workspace,
    state: State,
    identity: Identity,
    plan: PlanHeader,
    body: bytes,
    before: PlanHeader | None,
    *,
    force: bool,
) -> Planned:
    plan.verify()
    plan_hash = stage_plan(workspace, identity, plan, body)
    with state.transaction():
        record_plan(state, plan, plan_hash)
    warnings = differs_by_one(set(before.hospitals), set(plan.hospitals)) if before else ()
    return deliver_plan(workspace, plan, warnings=warnings, force=force)


def _is_open_plan(parties: Parties, plan: PlanHeader, last: Round, *, replace: bool) -> bool:
    """Whether these are the open plan's cards, so that it is delivered once more; no where it is replaced.

    At a later stage the cards are still those that the hospitals sent first, for keys now come with updates
    and share files; so there, without ``--replace``, the same parties are enough.
    """
    same_cards = (parties.roster, parties.committee) == (plan.roster, plan.committee)
    same_parties = parties.roster.version == plan.roster.version
    if same_cards or (plan.stage > 1 and same_parties and not replace):
        return True
    if not replace:
        raise RefusedError(
            f"round {last.number} is open, and these are other cards than its plan's",
            advice="Finish it with aggregate; plan it anew with fresh cards: privxray plan cards/*.card "
            "--continue; or begin the study anew: --replace",
        )
    return False


def _expect_its_terms(terms: Terms, plan: PlanHeader, last: Round) -> None:
    """A signed plan keeps its terms: whoever types others must not take it for one that has them."""
    from privxray.learning import methods

    if terms == Terms(committee=terms.committee):
        return  # nothing but cards was typed
    method = methods.get(terms.method)
    given = {} if terms.start is None else {"start": "file"}
    typed = (
        terms.method,
        terms.classes,
        terms.rounds or method.default_rounds,
        terms.epsilon,
        terms.delta,
        method.constants({**terms.constants, **given}).model_dump(mode="json"),
    )
    if typed != (plan.method, plan.classes, plan.stages, plan.epsilon, plan.delta, dict(plan.constants)):
        raise RefusedError(
            f"round {last.number} is open under other terms than those typed, and a signed plan keeps its",
            advice="Type it as it was typed first, or begin the study anew with fresh cards: --replace",
        )


def _first_stage(
    workspace: Workspace, parties: Parties, terms: Terms, identity: Identity, last: Round | None
) -> tuple[PlanHeader, bytes]:
    from privxray.learning import methods

    method = methods.get(terms.method)
    if terms.start is not None and terms.method != "dp-sgd":
        raise UsageError(
            f"{terms.method} starts from nothing, so there is no --start for it",
            advice="Plan with --method dp-sgd",
        )
    given = {} if terms.start is None else {"start": "file"}
    constants = method.constants({**terms.constants, **given})
    require_epsilon(terms.epsilon)
    require_delta_below(terms.delta, constants.n_max)
    if not fits_extractor(method, constants):
        raise UsageError("the plan's constant feature_dim is not what the extractor gives")
    start = _start(method, constants, terms)
    body = pack(start) if start else b""
    keys = identity.public()
    with about("the plan's terms"):
        try:
            plan = PlanHeader(
                study=workspace.config.study,
                round=last.number + 1 if last else 1,
                sender=keys.fingerprint,
                recipients=tuple(party.keys.fingerprint for party in parties.roster.parties),
                body=Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
                created=now(),
                software=SOFTWARE,
                coordinator=keys,
                coordinator_name=workspace.config.name,
                roster=parties.roster,
                mode="strict" if parties.committee is None else "keyholders",
                committee=parties.committee,
                stage=1,
                stages=terms.rounds or method.default_rounds,
                previous=last.plan if last else None,
                method=terms.method,
                constants=constants.model_dump(mode="json"),
                extractor=extractor_of(method),
                classes=terms.classes,
                epsilon=terms.epsilon,
                delta=terms.delta,
                modulus_bits=method.modulus_bits,
                manifest=method.manifest(constants, terms.classes),
            )
        except ValueError:
            raise MalformedError("a class, delta or number of rounds is out of range") from None
    return plan, body


def _start(method: AnyMethod, constants: MethodConstants, terms: Terms) -> dict[str, NDArray[Any]]:
    """The first round's weights: the method's own, or a file's of the same form."""
    start = method.starting_model(constants, terms.classes)
    if terms.start is not None:
        return read_start(terms.start, start)
    if method.starts_from_file(constants):
        raise UsageError(
            "the plan's constant start says file, and no file is given",
            advice="Type: privxray plan CARDS --start FILE.safetensors",
        )
    return start


def _following(before: PlanHeader, plan_hash: str, parties: Parties, stage: int, body: bytes) -> PlanHeader:
    return before.model_copy(
        update={
            "round": before.round + 1,
            "stage": stage,
            "previous": plan_hash,
            "roster": parties.roster,
            "committee": parties.committee,
            "recipients": tuple(party.keys.fingerprint for party in parties.roster.parties),
            "body": Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
            "created": now(),
            "software": SOFTWARE,
        }
    )


def _stated(state: State, plan: PlanHash, kind: type[_Stated]) -> dict[Fingerprint, _Stated]:
    return {
        party: kind.model_validate_json(statement)
        for party, statement in state.next_keys(plan, kind.KIND).items()
    }
