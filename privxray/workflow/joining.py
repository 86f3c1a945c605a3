"""A hospital's side of a plan: verify it, compare key words, and follow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from privxray.atomic import make_private_folder, write_atomic
from privxray.errors import IdentityError, RefusedError
from privxray.exchange.admit import admit_member, admit_plan, admit_successor, terms_of
from privxray.exchange.intake import Received, take_in
from privxray.exchange.plan import PlanHeader
from privxray.formats.tensors import same_form, unpack
from privxray.keys.identity import PublicKeys
from privxray.keys.roster import same_words
from privxray.state import Round, State
from privxray.workflow.common import load_plan, public_keys
from privxray.workspace import Workspace

AskWords = Callable[[PlanHeader, tuple[str, ...]], str]
"""Shows a plan and the changes of its roster, and returns the key words that a person typed."""


@dataclass(frozen=True)
class Joined:
    """A plan that this hospital now follows. ``changes`` names who joined or left since the last plan."""

    plan: PlanHeader
    changes: tuple[str, ...]
    already: bool


def join(workspace: Workspace, path: Path, ask_words: AskWords) -> Joined:
    """Verify a plan and follow it from now on.

    Key words are asked for once a roster version. Joining the same plan again changes nothing.

    :raises IdentityError: the words, the signature or the coordinator are wrong.
    :raises RefusedError: an unsafe plan, one without this hospital, a replayed or a skipped one.
    """
    workspace.require("hospital", "join")
    with workspace.locked(), State(workspace.state_path) as state, take_in(path, workspace.inbox) as received:
        known = state.study(_study_of(received))
        trusted = PublicKeys.model_validate_json(known["coordinator"]) if known else None
        plan = admit_plan(received.envelope, trusted)
        received.check_body(plan.body)
        return follow(workspace, state, received, plan, ask_words)


def follow(
    workspace: Workspace, state: State, received: Received, plan: PlanHeader, ask_words: AskWords
) -> Joined:
    """Follow a plan that :func:`~privxray.exchange.admit.admit_plan` accepted."""
    study, plan_hash = plan.study or "", received.envelope.digest
    last = state.last_round(study)
    if last and last.plan == plan_hash:
        return Joined(plan, (), already=True)
    before = load_plan(workspace, last) if last else None
    if last and before:
        admit_successor(plan, before, last.plan)
    changes = roster_changes(before, plan)
    member = admit_member(plan, public_keys(workspace), workspace.config.name)
    key = state.mask_key(member.mask.key)
    if key is None or key.number != member.mask.number or key.study not in (None, study):
        raise RefusedError(
            "the plan names a mask key that this workspace never made for this study",
            advice="Send the coordinator a fresh card: privxray card",
        )
    check_terms(plan, received.body())
    digest = plan.roster.digest(study, plan.coordinator).hex()
    known = state.study(study)
    if known is None or (known["roster_version"], known["roster_digest"]) != (plan.roster.version, digest):
        expected = plan.roster.key_words(study, plan.coordinator)
        if not same_words(ask_words(plan, changes), expected):
            raise IdentityError(
                "these are not the key words of this plan",
                advice="Compare them by phone with the coordinator and another hospital; do not train on it",
            )
    copy = workspace.plan_copy(study, plan.round)
    make_private_folder(copy.parent)
    write_atomic(copy, received.path.read_bytes(), overwrite=True)
    with state.transaction():
        state.trust_study(study, plan.coordinator.model_dump_json(), plan.roster.version, digest)
        state.bind_mask_key(key.number, plan_hash)
        state.add_round(study, plan.round, plan_hash, plan.stage, "joined")
        if last and before:
            _leave(state, last, plan.round, same_training=training_of(before) == training_of(plan))
    return Joined(plan, changes, already=False)


def roster_changes(before: PlanHeader | None, plan: PlanHeader) -> tuple[str, ...]:
    """Who joined, left or came with new keys since the plan before, by name."""
    if before is None:
        return ()
    old = {member.name: member.keys for member in before.roster.members}
    new = {member.name: member.keys for member in plan.roster.members}
    return (
        *(f"{name} joined" for name in new if name not in old),
        *(f"{name} left" for name in old if name not in new),
        *(f"{name} has new keys" for name in new if name in old and new[name] != old[name]),
    )


def check_terms(plan: PlanHeader, body: bytes) -> None:
    """Check that this version would train what the plan describes, before anything is charged for it.

    :raises UsageError: a method or a constant that does not exist here.
    :raises RefusedError: the constants give another vector, the extractor is another one, or the starting
        model has not the tensors that the method starts from.
    """
    from privxray.learning import methods
    from privxray.workflow.dataset import extractor_of, fits_extractor

    method = methods.get(plan.method)
    constants = method.constants(plan.constants)
    expected = method.starting_model(constants, plan.classes)
    start = unpack(body) if body else {}
    if (
        constants.model_dump(mode="json") != plan.constants
        or tuple(method.manifest(constants, plan.classes)) != plan.manifest
        or method.modulus_bits != plan.modulus_bits
        or extractor_of(method) != plan.extractor
        or not fits_extractor(method, constants)
        or not same_form(start, expected)
        or (plan.stage == 1 and any((start[name] != expected[name]).any() for name in expected))
    ):
        raise RefusedError(
            "this version of privxray would not train what the plan describes",
            advice="Install the version that the coordinator uses (privxray inspect FILE names it)",
        )


def training_of(plan: PlanHeader) -> tuple[object, ...]:
    """All of a plan that training depends on: who else takes part is not of it."""
    return (*terms_of(plan), plan.stage, plan.body.sha256)


def _leave(state: State, last: Round, successor: int, *, same_training: bool) -> None:
    """End the round before, in the transaction that begins its successor.

    Its mask key dies with it. A training that was begun or done and never exported serves the successor if it
    is the same training; otherwise its key is destroyed, and with it the result.
    """
    if last.state in ("joined", "trained"):
        if same_training:
            state.update_round(
                last.study,
                successor,
                state=last.state,
                epsilon=last.epsilon,
                noise=last.noise,
                vector_key=last.vector_key,
                trained_in=last.trained_in,
            )
        state.update_round(last.study, last.number, state="void", vector_key=None)
    elif last.state == "exported":
        state.update_round(last.study, last.number, state="closed")
    for key in state.mask_keys():
        if key.plan == last.plan:
            state.burn_mask_key(key.number)


def _study_of(received: Received) -> str:
    # A claim only: it selects which coordinator the signature must be of, and admit_plan then demands it.
    if received.envelope.kind != "plan":
        return ""
    return received.envelope.claim(PlanHeader).study or ""
