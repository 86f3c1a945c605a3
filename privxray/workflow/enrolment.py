"""The coordinator's side of a plan: from cards to a signed plan."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import JsonValue

from privxray.atomic import make_private_folder, write_atomic
from privxray.errors import MalformedError, RefusedError, UsageError, about
from privxray.exchange.intake import take_in
from privxray.exchange.plan import PlanHeader
from privxray.formats.container import seal_header, split
from privxray.formats.header import Body
from privxray.formats.tensors import pack
from privxray.keys.card import CardHeader, read_card
from privxray.keys.identity import Identity
from privxray.keys.roster import Member, Roster
from privxray.state import Round, State
from privxray.workflow.common import SOFTWARE, Passphrase, deliver, load_plan, now, unlock
from privxray.workflow.dataset import extractor_of, fits_extractor
from privxray.workspace import Workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_CLASSES = ("normal", "bacteria", "virus")
DEFAULT_EPSILON = 6.0
DEFAULT_DELTA = 1e-5


@dataclass(frozen=True)
class Terms:
    """What a coordinator may choose; the defaults are a linear probe in one round.

    ``constants`` override single public constants of the method. ``rounds`` None means the method's default.
    """

    method: Literal["linear-probe", "dp-sgd"] = "linear-probe"
    classes: tuple[str, ...] = DEFAULT_CLASSES
    rounds: int | None = None
    epsilon: float = DEFAULT_EPSILON
    delta: float = DEFAULT_DELTA
    constants: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Planned:
    """A plan that is ready to be carried: its file, its header, and the key words to compare."""

    path: Path
    plan: PlanHeader
    key_words: str


def make_plan(
    workspace: Workspace,
    cards: Sequence[Path],
    terms: Terms,
    passphrase: Passphrase,
    *,
    replace: bool = False,
    force: bool = False,
) -> Planned:
    """Enrol the hospitals of these cards and sign the plan of the next round.

    Called again with the same cards while its round is open, it delivers the same bytes again.

    :param replace: give up the open round (its number is not used again) and plan anew.
    :param force: overwrite another file that stands where the plan goes.
    :raises RefusedError: an unsafe roster, a used-up mask key, or an open round.
    """
    workspace.require("coordinator", "plan")
    identity = unlock(workspace, passphrase)
    with workspace.locked(), State(workspace.state_path) as state:
        study = workspace.config.study or ""
        members = [_read_card(workspace, path, study).member() for path in cards]
        last = state.last_round(study)
        if last and last.state == "open":
            again = _again(workspace, last, members, identity, force=force, replace=replace)
            if again:
                return again
        spent = state.used_mask_keys()
        for member in members:
            if member.mask.key in spent:
                raise RefusedError(
                    f"the card of {member.name} carries a mask key that round {spent[member.mask.key]} used",
                    advice=f"Ask {member.name} for a fresh card: privxray card",
                )
        before = load_plan(workspace, last) if last else None
        roster = _roster(members, before, study, identity)
        plan, body = _first_stage(workspace, roster, terms, identity, last)
        plan.verify()
        data = stage_plan(workspace, identity, plan, body)
        with state.transaction():
            if last and last.state == "open":
                state.update_round(study, last.number, state="void")
            record_plan(state, plan, data)
        return deliver_plan(workspace, plan, data, force=force)


def stage_plan(workspace: Workspace, identity: Identity, plan: PlanHeader, body: bytes) -> bytes:
    """Sign a plan and keep it; it has not left yet, and until it is recorded it may be signed anew."""
    data = seal_header(plan, identity.signing, plan.sender) + body
    copy = workspace.plan_copy(plan.study or "", plan.round)
    make_private_folder(copy.parent)
    write_atomic(copy, data, overwrite=True)
    return data


def record_plan(state: State, plan: PlanHeader, data: bytes) -> None:
    """Open the round of a staged plan; call it in a transaction, and let the plan leave afterwards."""
    state.use_mask_keys([member.mask.key for member in plan.roster.members], plan.round)
    state.add_round(plan.study or "", plan.round, split(data).digest, plan.stage, "open")


def next_stage(
    plan: PlanHeader, plan_hash: str, members: Sequence[Member], model: Mapping[str, NDArray[Any]]
) -> tuple[PlanHeader, bytes]:
    """The plan of the following stage: the same terms and members, their new mask keys, the new model."""
    body = pack(model)
    return plan.model_copy(
        update={
            "round": plan.round + 1,
            "stage": plan.stage + 1,
            "previous": plan_hash,
            "roster": Roster(version=plan.roster.version, members=tuple(members)),
            "body": Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
            "created": now(),
            "software": SOFTWARE,
        }
    ), body


def _read_card(workspace: Workspace, path: Path, study: str) -> CardHeader:
    with take_in(path, workspace.inbox) as received:
        card = read_card(received.envelope)
        received.check_body(card.body)
        if card.study not in (None, study):
            raise RefusedError(
                "this card was made for another study", advice=f"Ask for: privxray card --study {study}"
            )
        return card


def _again(
    workspace: Workspace,
    last: Round,
    members: Sequence[Member],
    identity: Identity,
    *,
    force: bool,
    replace: bool,
) -> Planned | None:
    """Deliver the open plan once more where these are its cards; None where it is to be replaced.

    At a later stage the cards are still those that the hospitals sent first, for mask keys now come with
    updates; so there, without ``--replace``, the same members are enough.
    """
    plan = load_plan(workspace, last)
    same_cards = sorted(members, key=_name) == sorted(plan.roster.members, key=_name)
    offered = Roster(version=plan.roster.version, members=tuple(members))
    keys, study = identity.public(), last.study
    same_members = offered.digest(study, keys) == plan.roster.digest(study, keys)
    if same_cards or (plan.stage > 1 and same_members and not replace):
        data = workspace.plan_copy(study, last.number).read_bytes()
        return deliver_plan(workspace, plan, data, force=force)
    if not replace:
        raise RefusedError(
            f"round {last.number} is open, and these are other cards than its plan's",
            advice="Finish it with aggregate, or give it up with: privxray plan cards/*.card --replace",
        )
    return None


def _roster(members: Sequence[Member], before: PlanHeader | None, study: str, identity: Identity) -> Roster:
    """The same version as before where nobody and no long-lived key changed, else the next one."""
    version = before.roster.version if before else 1
    roster = Roster(version=version, members=tuple(sorted(members, key=_name)))
    keys = identity.public()
    if before and roster.digest(study, keys) != before.roster.digest(study, keys):
        roster = roster.model_copy(update={"version": version + 1})
    return roster


def _first_stage(
    workspace: Workspace, roster: Roster, terms: Terms, identity: Identity, last: Round | None
) -> tuple[PlanHeader, bytes]:
    from privxray.learning import methods

    method = methods.get(terms.method)
    constants = method.constants(terms.constants)
    if not fits_extractor(method, constants):
        raise UsageError("the plan's constant feature_dim is not what the extractor gives")
    start = method.starting_model(constants, terms.classes)
    body = pack(start) if start else b""
    keys = identity.public()
    with about("the plan's terms"):
        try:
            plan = PlanHeader(
                study=workspace.config.study,
                round=last.number + 1 if last else 1,
                sender=keys.fingerprint,
                recipients=tuple(member.keys.fingerprint for member in roster.members),
                body=Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
                created=now(),
                software=SOFTWARE,
                coordinator=keys,
                coordinator_name=workspace.config.name,
                roster=roster,
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
            raise MalformedError("a class, epsilon, delta or number of rounds is out of range") from None
    return plan, body


def deliver_plan(workspace: Workspace, plan: PlanHeader, data: bytes, *, force: bool = False) -> Planned:
    """Put a recorded plan where it leaves from."""
    path = workspace.root / f"plan-{plan.round:04d}.plan"
    deliver(data, path, force=force)
    return Planned(path, plan, plan.roster.key_words(plan.study or "", plan.coordinator))


def _name(member: Member) -> str:
    return member.name
