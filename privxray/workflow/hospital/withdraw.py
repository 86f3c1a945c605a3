"""``withdraw``: a patient takes back the consent, so no later training sees him or her.

The hospital's own id is enough: with the workspace's keys it gives the pseudonym, and with that the keyed
hashes under which the data set and the record of trainings know the patient. What is noted stays for good. An
ingest that brings the patient again leaves the images out, under whatever name the csv has them, for files
and pictures are noted as well.

What was released before can't be called back, and need not be: see :data:`STAYS`.

Tested in tests/cli/test_withdraw.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.deid.cleaning.copies.manifest import Manifest
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.errors import RefusedError
from privxray.exchange.messages.plan_tasks import COUNTED
from privxray.formats.header import TaskName
from privxray.naming.patient_id import PatientId, PatientKey
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.stamp import stamp
from privxray.workflow.hospital.data_set import dataset_keys, open_dataset
from privxray.workflow.images.deidentify_folder import PSEUDONYMS
from privxray.workflow.ledger.open_ledger import open_ledger
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.state_tables.withdrawn_tables import Withdrawn
from privxray.workspace.transitions import RoundState

STAYS = (
    "What left the hospital before are sums with noise: of trainings, and of counts where a study asked for "
    "some. They were made so that whoever sees them can hardly tell whether this patient was among those "
    "they were made of. That promise holds for good, and nobody can take one patient out of them."
)


@dataclass(frozen=True)
class SeenIn:
    """A training that saw the patient.

    :ivar left: its result has left the hospital. :ivar pending: it is trained and has not left yet.
    :ivar spent: what the study has cost a patient so far.
    """

    study: str
    round: int
    left: bool
    pending: bool
    spent: Guarantee


@dataclass(frozen=True)
class CountedIn:
    """A round that described the patients, or evaluated a model on some of them.

    :ivar task: ``describe`` or ``evaluate``. :ivar left: its counts have left the hospital.
    """

    study: str
    round: int
    task: TaskName
    left: bool

    @property
    def what(self) -> str:
        """What was contributed, in words."""
        return "description of the patients" if self.task == "describe" else "evaluation of the model"


@dataclass(frozen=True)
class Withdrawal:
    """What a withdrawal did. It names nobody.

    :ivar at: when the patient withdrew first, UTC. :ivar before: that had been noted before.
    :ivar pseudonym: the patient's, as copies have it. :ivar images: how many were taken out of data sets now.
    :ivar seen: the trainings that saw the patient. :ivar counted: the rounds that counted the patient.
    :ivar unknown: rounds of which an earlier version of privxray did not note whom they counted.
    """

    at: str
    before: bool
    pseudonym: str
    images: int
    seen: tuple[SeenIn, ...]
    counted: tuple[CountedIn, ...]
    unknown: tuple[CountedIn, ...]

    @property
    def stays(self) -> str:
        """What the sums that have left still hold, and why that is fine; empty where none has left."""
        counts = (*self.counted, *self.unknown)
        return STAYS if any(one.left for one in self.seen) or any(one.left for one in counts) else ""


def withdraw(workspace: Workspace, patient: PatientId) -> Withdrawal:
    """Take a patient out of all later training.

    :param patient: the hospital's own id, or the pseudonym.
    :raises RefusedError: nothing here knows such a patient; nothing was noted.
    """
    workspace.require("hospital", "withdraw")
    with working(workspace) as session:
        state = session.state
        keys, pseudonym = _keys(session, patient)
        images = state.images_of_patients(keys)
        contents, pictures = {one.content for one in images}, {one.picture for one in images}
        found = 0
        for study in state.studies():
            with open_dataset(session, study) as dataset:
                own = [entry for entry in dataset.entries() if entry.patient in keys]
                found += len(own)
                contents |= {entry.content for entry in own}
                pictures |= {dataset.picture(entry.content) for entry in own}
        before, counted = state.withdrawn_at(keys), state.countings_of(keys)
        if before is None and not (images or found or counted):
            raise RefusedError(
                "no data set, training or count of this workspace knows this patient id; nothing was noted",
                reason="withdraw.unknown",
                advice="Check the id: it is the one that the csv of labels or Patient ID (0010,0020) has",
            )
        with state.transaction():
            state.note_withdrawn(stamp().created, Withdrawn(keys, frozenset(contents), frozenset(pictures)))
        for study in state.studies():
            open_dataset(session, study).close()  # opening it takes out whoever withdrew
        seen = tuple(_seen(session, *one) for one in state.trainings_of(keys))
        at = state.withdrawn_at(keys)
        return Withdrawal(
            at or "",
            before is not None,
            pseudonym,
            found,
            seen,
            counted=tuple(_counted(session, *one) for one in counted),
            unknown=tuple(_counted(session, *one) for one in _not_noted(session)),
        )


def _keys(session: Session, patient: PatientId) -> tuple[frozenset[PatientKey], str]:
    """All names that a patient has here, as keyed hashes; and the pseudonym."""
    state, original = session.state, patient.reveal().strip()
    with Manifest(session.workspace.data, state.secret("manifest")) as manifest:
        names = Pseudonyms(state.secret(PSEUDONYMS), manifest.assigned())
    pseudonym = names.patient(original)
    keys = dataset_keys(session)
    return frozenset(keys.patient(PatientId(name)) for name in (original, pseudonym)), pseudonym


def _not_noted(session: Session) -> list[tuple[str, int]]:
    """Study and round of the counts of an earlier version of privxray."""
    rounds = [one for one in session.state.rounds() if one.task in COUNTED and one.state.drawn]
    noted = set(session.state.countings())
    made = dict.fromkeys((one.study, one.trained_in) for one in rounds)
    return [one for one in made if one not in noted]


def _counted(session: Session, study: str, number: int) -> CountedIn:
    newest, left = _newest(session, study, number)
    return CountedIn(study, number, newest.task, left)


def _seen(session: Session, study: str, number: int) -> SeenIn:
    newest, left = _newest(session, study, number)
    plan = load_plan(session.workspace, newest)
    ledger = open_ledger(session)
    return SeenIn(
        study=study,
        round=number,
        left=left,
        pending=newest.state is RoundState.TRAINED,
        spent=ledger.cost(study, plan.delta),
    )


def _newest(session: Session, study: str, number: int) -> tuple[Round, bool]:
    """The newest round that has the noisy answer of a round, and whether that has left the hospital."""
    rounds = [one for one in session.state.rounds(study) if one.trained_in == number]
    return rounds[-1], any(one.update_sha256 for one in rounds)
