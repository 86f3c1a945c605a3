"""The data set of a hospital's workspace.

Tested in tests/cli/test_study.py.
"""

from __future__ import annotations

from privxray.errors import WorkspaceError
from privxray.imaging.data_set.dataset import Dataset
from privxray.imaging.data_set.dataset_keys import DatasetKeys
from privxray.workspace.session import Session
from privxray.workspace.state import State

PROFILE = "de-identification profile"
"""The setting by which the next ingest judges."""
_INGESTED = "ingested for "
"""The setting that the first ingest for a study makes; the study's name follows."""


def open_dataset(session: Session, study: str) -> Dataset:
    """A study's data set, empty where nothing was ingested. Close it, or use it as a context manager.

    Whoever withdrew is taken out of it now, if a command was cut off before.
    """
    state = session.state
    return Dataset(session.workspace.data, state.secret("data"), study, state.studies(), state.withdrawn())


def dataset_keys(session: Session) -> DatasetKeys:
    """What makes the data set's keyed hashes, without opening it."""
    return DatasetKeys(session.state.secret("data"))


def note_ingest(state: State, study: str) -> None:
    """Note that images were ingested for a study; call it in a transaction."""
    state.set_setting(_INGESTED + study, "yes")


def require_ingested(session: Session, dataset: Dataset, study: str) -> None:
    """Check that images were ingested for a study at some time, whatever its data set holds now.

    Whether it holds a patient decides nothing: that would tell of the one who is added or removed. Earlier
    versions noted no ingest; what they took in shows by being there.

    :raises WorkspaceError: nothing was.
    """
    if session.state.setting(_INGESTED + study) is None and not dataset.patients():
        raise WorkspaceError(
            "no patient to train on is ingested yet",
            reason="dataset.no-patient",
            file=session.root,
            advice="Type: privxray ingest FOLDER --labels labels.csv",
        )


def require_patients(session: Session, dataset: Dataset, split: str = "train") -> None:
    """Check that a split has a patient.

    :raises WorkspaceError: it has none.
    """
    if not dataset.patients(split):
        raise WorkspaceError(
            "no patient to train on is ingested yet"
            if split == "train"
            else f"the data set has no patients in the split {split}",
            reason="dataset.no-patient",
            file=session.root,
            advice="Type: privxray ingest FOLDER --labels labels.csv",
        )
