"""``predict``: the newest global model on single images.

Tested in tests/cli/test_study.py and tests/cli/test_bad_input.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.imaging.data_set.dataset_keys import DatasetKeys
from privxray.system.regular_files import read_regular
from privxray.workflow.common.method_inputs import decoded, inputs_of
from privxray.workflow.common.which_study import the_study
from privxray.workflow.hospital.data_set import dataset_keys
from privxray.workflow.hospital.trained_on import TrainedOn, trained_on
from privxray.workflow.hospital.using_model.classifier import Classifier, has_model, newest_model
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Predicted:
    """What a model says about N images.

    :ivar probabilities: of shape [N, K]; each row sums to 1.
    :ivar trained_on: for each image, whether this hospital has trained on it or on its patient in this study.
    """

    model: Classifier
    probabilities: NDArray[Any]
    trained_on: tuple[bool, ...]


def predict(
    workspace: Workspace, paths: Sequence[Path], names: Sequence[str], *, study: str | None = None
) -> Predicted:
    """What the newest global model says about images.

    :param names: how errors name each image, for a path may identify somebody.
    :raises MalformedError: an image does not decode.
    :raises WorkspaceError: there is no model yet.
    """
    workspace.require("hospital", "predict")
    with looking(workspace) as session:
        name = the_study(session, study, lambda r: has_model(session, r.study))
        model = newest_model(session, name)
        known, keys = trained_on(session, name), dataset_keys(session)
    images = decoded(paths, names)
    seen = tuple(_is_known(path, image, known, keys) for path, image in zip(paths, images, strict=True))
    return Predicted(model, model.probabilities(inputs_of(images, names, model.form)), seen)


def _is_known(path: Path, image: NDArray[np.uint8], known: TrainedOn, keys: DatasetKeys) -> bool:
    if not known.contents:
        return False
    data = read_regular(path)
    if keys.content(data) in known.contents or keys.picture(image) in known.pictures:
        return True
    if not is_dicom(data):
        return False
    from privxray.imaging.display.dicom_file import patient_id

    patient = patient_id(data)
    return patient is not None and keys.patient(patient) in known.patients
