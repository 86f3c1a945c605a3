"""Taking in a summary: the counts of all hospitals together, which a study before or after its training gave.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.errors import MalformedError
from privxray.exchange.admission.admit_summary import admit_summary
from privxray.exchange.intake import Received
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.summary import SummaryHeader
from privxray.formats.tensors import same_form, unpack
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.proof_file import proof_beside
from privxray.workflow.common.summary_told import Told, told_by
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workflow.hospital.taking_in.file_words import last_words
from privxray.workflow.hospital.taking_in.prove import proof_of_model
from privxray.workflow.hospital.taking_in.round_result import (
    expect_delivered,
    round_of_result,
    second_of_round,
)
from privxray.workflow.hospital.taking_in.seen_files import expect_in_later_plan
from privxray.workflow.hospital.training_results import remove_unreadable
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.session import Session
from privxray.workspace.transitions import Event


@dataclass(frozen=True)
class KeptSummary:
    """A summary that was taken in, with the place of its copy.

    :ivar told: its figures. :ivar proven: it was shown to be the sum of what the hospitals committed to.
    :ivar last_words: those of a study's last result, for the phone; None where a plan may follow.
    """

    path: Path
    told: Told
    already: bool
    proven: bool
    last_words: str | None


def accept_summary(session: Session, received: Received, passphrase: Passphrase) -> KeptSummary:
    """Verify a summary of a round that was joined here, and keep it.

    :param passphrase: asked for a summary with a proof alone, for the proof is encrypted to this hospital.
    :raises IdentityError: signed by someone other than the study's coordinator.
    :raises RefusedError: of another study or round, or a second one of its round.
    :raises MalformedError: its tensors are not those of its plan.
    """
    planned = round_of_result(session, received, SummaryHeader)
    round_ = planned.round
    summary = admit_summary(received.envelope, planned.signed)
    expect_not_revoked(session.state, summary.sender)
    received.check_body(summary.body)
    expect_delivered(session, planned, received)
    digest = received.envelope.digest
    path = session.workspace.summary_copy(round_.study, round_.number)
    if round_.summary not in (None, digest):
        raise second_of_round(received)
    expect_in_later_plan(session, round_, digest)
    last = last_words(planned.plan, summary, digest)
    proven = summary.proof is not None
    data = received.path.read_bytes()
    sums = unpack(data[received.envelope.length :])
    _check_form(planned.plan, sums)
    told = told_by(planned.plan, sums)
    if round_.summary == digest and path.exists():
        return KeptSummary(path, told, already=True, proven=proven, last_words=last)
    make_private_folder(path.parent)
    if summary.proof is not None:
        proof = proof_of_model(session, planned, received, passphrase)
        write_atomic(proof_beside(path), proof, overwrite=True)
    write_atomic(path, data, overwrite=True)
    with session.state.transaction():
        session.state.change_round("hospital", round_, Event.ACCEPT_MODEL)
        session.state.set_summary(round_.study, round_.number, digest)
        session.state.forget_vectors(round_.study)
    remove_unreadable(session)
    return KeptSummary(path, told, already=False, proven=proven, last_words=last)


def _check_form(plan: PlanHeader, sums: Mapping[str, NDArray[Any]]) -> None:
    if not same_form(sums, {spec.name: np.zeros(spec.shape) for spec in plan.manifest}):
        raise MalformedError(
            "the numbers in this summary are not those that its plan asks for",
            reason="summary.other-tensors",
            advice="Ask the coordinator to send it again, and which version of privxray made it",
        )
