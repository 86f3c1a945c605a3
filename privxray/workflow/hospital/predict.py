"""``predict``: the newest global model on single images.

Tested in tests/cli/test_study.py and tests/cli/test_bad_input.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privxray.workflow.common.method_inputs import image_inputs
from privxray.workflow.common.which_study import the_study
from privxray.workflow.hospital.classifier import Classifier, has_model, newest_model
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking

if TYPE_CHECKING:
    from numpy.typing import NDArray


def predict(
    workspace: Workspace, paths: Sequence[Path], names: Sequence[str], *, study: str | None = None
) -> tuple[Classifier, NDArray[Any]]:
    """The newest global model, and its class probabilities of N images, of shape [N, K].

    :param names: how errors name each image, for a path may identify somebody.
    :raises MalformedError: an image does not decode.
    :raises WorkspaceError: there is no model yet.
    """
    workspace.require("hospital", "predict")
    with looking(workspace) as session:
        model = newest_model(session, the_study(session, study, lambda r: has_model(session, r.study)))
    inputs = image_inputs(paths, names, model.form)
    return model, model.probabilities(inputs)
