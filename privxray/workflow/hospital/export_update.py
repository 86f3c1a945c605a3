"""Exporting an update: mask, seal, fix, destroy, and only then let it leave.

The bytes are made and fsynced inside the workspace. One transaction then records their digest, makes the next
mask key known and destroys this round's mask key and the key of the training result. Before that transaction
nothing has left, so an interrupted export starts over; after it the same bytes leave however often it is
called, because no others can be made any more.

Tested in tests/cli/test_study.py and tests/cli/test_crash.py.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from privxray.errors import MalformedError, about
from privxray.exchange.admission.admit import admit_update, read_update
from privxray.exchange.bounds.bound_proof import BoundProof
from privxray.exchange.commitments.committed import Committed
from privxray.exchange.commitments.scalars import Scalars, as_scalars, blinding_of
from privxray.exchange.concealing import AgreedSecrets, conceal, conceal_committed, proof_of_bounds
from privxray.exchange.intake import read_again
from privxray.exchange.masking.fixed_point import Integers, quantise
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.update import UpdateClaims, UpdateHeader, write_update
from privxray.exchange.sharing.dealing import Dealt
from privxray.formats.features import HYBRID_MASKS
from privxray.formats.header import Fingerprint
from privxray.keys.identity import Identity
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.deliver import chosen_folder
from privxray.workflow.common.new_round_keys import new_mask_key, open_mask_key
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp
from privxray.workflow.common.which_study import newest_round
from privxray.workflow.custody.named_successor import expect_coordinator_stays
from privxray.workflow.hospital.agreeing.kept_secrets import end_round, secrets_of
from privxray.workflow.hospital.kept_vector import keep, key_of
from privxray.workflow.hospital.open_round import left_out, over_here, too_late
from privxray.workflow.hospital.release_record import write_release_record
from privxray.workflow.hospital.training_results import expect_trained, remove_unreadable, trained_vector
from privxray.workflow.ledger.open_ledger import open_ledger
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import Event, RoundState


@dataclass(frozen=True)
class Exported:
    """An update that is ready to be carried.

    :ivar again: it had been exported before.
    :ivar written: the file was written now; otherwise the same bytes lay there already.
    """

    path: Path
    header: UpdateHeader
    plan: PlanHeader
    size: int
    again: bool
    written: bool


def export_update(
    workspace: Workspace,
    passphrase: Passphrase,
    *,
    study: str | None = None,
    folder: Path | None = None,
    force: bool = False,
) -> Exported:
    """Write this round's update and its release record.

    :param folder: one that is there, for instance a stick; by default the workspace's ``updates``.
    :raises WorkspaceError: the round is not trained.
    :raises UsageError: the folder is not there.
    :raises RefusedError: another file stands where it goes, and ``force`` is not set; or this hospital is a
        keyholder that has helped already to open the sum without itself; or another coordinator was named.
    """
    workspace.require("hospital", "export-update")
    target = chosen_folder(folder, workspace.updates)
    with working(workspace) as session:
        round_ = newest_round(session, study, _trained, _exported)
        planned = planned_round(workspace, round_)
        kept = planned.folder / "update.enc"
        remove_unreadable(session)
        again = round_.update_sha256 is not None
        if not again:
            if round_.state is RoundState.VOID:
                raise over_here(round_)
            expect_trained(session, round_)
            expect_coordinator_stays(session.state, round_)
            if left_out(session, round_):
                raise too_late()
            _seal(session, planned, unlock(workspace, passphrase), kept)
        header = _verify(session, planned, kept)
        data = kept.read_bytes()
        path = target / workspace.own_file(round_.study, round_.number, "enc")
        written = send(session.state, data, path, force=force)
        with about(path):
            if hashlib.sha256(path.read_bytes()).digest() != hashlib.sha256(data).digest():
                raise MalformedError(
                    "the file reads back differently",
                    reason="update.read-back-differs",
                    advice="Try another stick",
                )
        write_release_record(path, hashlib.sha256(data).hexdigest(), header, planned.plan)
        return Exported(path, header, planned.plan, len(data), again, written)


def _trained(round_: Round) -> bool:
    return round_.state is RoundState.TRAINED


def _exported(round_: Round) -> bool:
    return round_.state is RoundState.EXPORTED


def _seal(session: Session, planned: PlannedRound, identity: Identity, kept: Path) -> None:
    """Make the update's bytes, and in one transaction record them and destroy the keys that made them."""
    state, plan, round_ = session.state, planned.plan, planned.round
    ledger = open_ledger(session)
    own = identity.public().fingerprint
    member = plan.roster.known_hospital(own)
    private = open_mask_key(state, member.mask.key, identity)
    key = key_of(session, round_, identity)
    numbers = quantise(trained_vector(session, round_, key), plan.manifest, plan.modulus_bits)
    agreed = None
    if HYBRID_MASKS in plan.features:
        agreed = secrets_of(state, identity, round_.study, plan.round)
    hidden = _hidden(planned, numbers, _MaskSecrets(private, agreed), own, key)
    make_private_folder(kept.parent)
    with state.transaction():
        next_mask = new_mask_key(state, identity, plan.study)
        spent = ledger.cost(round_.study, plan.delta)
        claims = UpdateClaims(
            math.ceil(spent.epsilon * 1e4) / 1e4,
            ledger.head(round_.study),
            next_mask,
            hidden.dealt,
            hidden.committed,
            hidden.bounds,
        )
        data = write_update(hidden.masked, planned.signed, identity, claims, stamp())
        write_atomic(kept, data, overwrite=True)
        state.mask_keys.burn_plan(round_.plan)
        if agreed is not None:
            end_round(state, identity, round_.study, plan.round, agreed)
        keep(session, planned, key, identity)
        digest = hashlib.sha256(data).hexdigest()
        state.change_round("hospital", round_, Event.EXPORT, vector_key=None, update_sha256=digest)
    remove_unreadable(session)


@dataclass(frozen=True, repr=False)
class _MaskSecrets:
    """What the masks of a round come of: its mask key and, with hybrid masks, what was agreed on."""

    private: X25519PrivateKey
    agreed: AgreedSecrets | None


@dataclass(frozen=True)
class _Hidden:
    """A vector under its masks, and what goes into the header beside it."""

    masked: Integers | Scalars
    dealt: Dealt | None
    committed: Committed | None = None
    bounds: BoundProof | None = None


def _hidden(
    planned: PlannedRound, numbers: Integers, secrets: _MaskSecrets, own: Fingerprint, key: bytes
) -> _Hidden:
    """Hide a quantised vector, and prove what the plan asks for.

    :param key: of the training result. The blinding factor comes from it, so it is drawn once for a vector,
        and goes with it.
    """
    if planned.plan.commitments is None:
        dealt = conceal(numbers, planned.signed, own, secrets.private, agreed=secrets.agreed)
        return _Hidden(numbers, dealt)
    scalars = as_scalars(numbers, blinding_of(key))
    plain = list(scalars)
    committed, dealt = conceal_committed(scalars, planned.signed, own, secrets.private, agreed=secrets.agreed)
    bounds = proof_of_bounds(plain, committed, planned.signed, own)
    return _Hidden(scalars, dealt, committed, bounds)


def _verify(session: Session, planned: PlannedRound, kept: Path) -> UpdateHeader:
    """Read the finished file back and check it by every rule that needs no private key."""
    with about(kept):
        (recorded,) = (r for r in session.state.rounds(planned.round.study) if r.plan == planned.round.plan)
        received = read_again(kept)
        if received.sha256 != recorded.update_sha256:
            raise MalformedError(
                "this is not the update that was exported",
                reason="workspace.kept-file-altered",
                advice="Restore it from a backup (privxray help backup)",
            )
        header, member = read_update(received.envelope, planned.plan.roster.members)
        admit_update(header, member, planned.signed)
        received.check_body(header.body)
        return header
