"""Exporting an update: mask, seal, fix, destroy, and only then let it leave.

The bytes are made and fsynced inside the workspace. One transaction then records their digest, makes the next
mask key known and destroys this round's mask key and the key of the training result. Before that transaction
nothing has left, so an interrupted export starts over; after it the same bytes leave however often it is
called, because no others can be made any more.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import MalformedError, about
from privxray.exchange.admission.admit import admit_update, read_update
from privxray.exchange.concealing import conceal
from privxray.exchange.intake import read_again
from privxray.exchange.masking.fixed_point import quantise
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.update import UpdateClaims, UpdateHeader, write_update
from privxray.keys.identity import Identity
from privxray.workflow.common.new_round_keys import new_mask_key, open_mask_key
from privxray.workflow.common.session import (
    Passphrase,
    deliver,
    left_out,
    load_plan,
    stamp,
    the_study,
    tidy,
    too_late,
    unlock,
)
from privxray.workflow.hospital.reserve_budget import open_ledger
from privxray.workflow.hospital.train import trained_vector
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State
from privxray.workspace.transitions import Event


@dataclass(frozen=True)
class Exported:
    """An update that is ready to be carried. ``again`` is set where it had been exported before."""

    path: Path
    header: UpdateHeader
    plan: PlanHeader
    size: int
    again: bool


def export_update(
    workspace: Workspace,
    passphrase: Passphrase,
    *,
    study: str | None = None,
    folder: Path | None = None,
    force: bool = False,
) -> Exported:
    """Write this round's update into ``folder``, by default the workspace's ``updates``.

    :raises WorkspaceError: the round is not trained.
    :raises RefusedError: another file stands where it goes, and ``force`` is not set; or this hospital is a
        keyholder that has helped already to open the sum without itself.
    """
    workspace.require("hospital", "export-update")
    with workspace.locked(), State(workspace.state_path) as state:
        round_ = state.last_round(the_study(workspace, state, study))
        assert round_ is not None
        plan = load_plan(workspace, round_)
        kept = workspace.round_folder(round_.study, round_.number) / "update.enc"
        tidy(workspace, state)
        again = round_.update_sha256 is not None
        if not again:
            trained_vector(workspace, round_)  # not ready is said before a passphrase is asked
            if left_out(workspace, state, round_):
                raise too_late()
            _seal(workspace, state, unlock(workspace, passphrase), plan, round_, kept)
        header = _verify(state, round_, plan, kept)
        data = kept.read_bytes()
        path = (folder or workspace.updates) / f"{workspace.config.name}-{round_.number:04d}.enc"
        deliver(data, path, force=force)
        with about(path):
            if hashlib.sha256(path.read_bytes()).digest() != hashlib.sha256(data).digest():
                raise MalformedError("the file reads back differently", advice="Try another stick")
        return Exported(path, header, plan, len(data), again)


def _seal(
    workspace: Workspace, state: State, identity: Identity, plan: PlanHeader, round_: Round, kept: Path
) -> None:
    ledger = open_ledger(workspace, state)
    own = identity.public().fingerprint
    member = plan.roster.named(own)
    assert member is not None  # checked when the plan was joined
    private = open_mask_key(state, member.mask.key, identity)
    numbers = quantise(trained_vector(workspace, round_), plan.manifest, plan.modulus_bits)
    dealt = conceal(numbers, SignedPlan(plan, round_.plan), own, private)
    make_private_folder(kept.parent)
    with state.transaction():
        next_mask = new_mask_key(state, identity, plan.study)
        spent = ledger.cost(round_.study, plan.delta)
        claims = UpdateClaims(
            math.ceil(spent.epsilon * 1e4) / 1e4, ledger.head(round_.study), next_mask, dealt
        )
        data = write_update(numbers, SignedPlan(plan, round_.plan), identity, claims, stamp())
        write_atomic(kept, data, overwrite=True)
        state.mask_keys.burn_plan(round_.plan)
        state.change_round(
            "hospital",
            round_,
            Event.EXPORT,
            vector_key=None,
            update_sha256=hashlib.sha256(data).hexdigest(),
        )
    tidy(workspace, state)


def _verify(state: State, round_: Round, plan: PlanHeader, kept: Path) -> UpdateHeader:
    """Read the finished file back and hold it against every rule that needs no private key."""
    with about(kept):
        last = state.last_round(round_.study)
        received = read_again(kept)
        if last is None or received.sha256 != last.update_sha256:
            raise MalformedError("this is not the update that was exported", advice="Restore a backup")
        header, member = read_update(received.envelope, plan.roster.members)
        admit_update(header, member, SignedPlan(plan, round_.plan))
        received.check_body(header.body)
        return header
