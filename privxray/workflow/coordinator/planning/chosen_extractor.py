"""A hospital group's own extractor, as a coordinator chooses it for a study.

The linear probe divides a centred feature by a radius before it is clipped (``feature_radius``). It is to be
about half the usual distance of a feature from the centre, so that nearly every row has length 1, and it must
not come from patients. So it is measured on drawn radiographs. Their features lie closer together than those
of real ones: with the built-in extractors, half the usual distance is 0.7 (1,280 pooled numbers) to 0.9 (296
numbers) of the drawn ones' usual distance. Between them lies :data:`SHARE`.

Tested in tests/cli/test_extractors.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from privxray.formats.extractor_file import ExtractorFile
from privxray.imaging.drawn_radiographs import drawn_radiographs
from privxray.imaging.extractors.file_extractor import FileExtractor, Reading
from privxray.workflow.images.extractor_files import add_extractor
from privxray.workspace.folder import Workspace

SHARE = 0.8
PICTURES = 24


@dataclass(frozen=True)
class ChosenExtractor:
    """An extractor for a plan, with what the linear probe has to know of it."""

    terms: ExtractorFile
    radius: float

    def constants(self) -> Mapping[str, float | int]:
        """The constants of the linear probe that it decides."""
        return {"feature_dim": self.terms.dim, "feature_radius": self.radius}


def choose_extractor(workspace: Workspace, path: Path, reading: Reading = Reading()) -> ChosenExtractor:
    """Put a file into the coordinator's workspace, and measure what a plan says of it.

    :raises AbsentFileError: it can't be read.
    :raises MalformedError: it is no graph that is run.
    :raises SystemTroubleError: its process ended, or took too long.
    :raises UsageError: the extra ``extractor`` is not installed, or what was typed does not fit the graph.
    """
    workspace.require("coordinator", "plan --extractor")
    added = add_extractor(workspace, path, reading)
    terms = added.description.terms
    with FileExtractor(added.path, terms) as extractor:
        return ChosenExtractor(terms, usual_radius(extractor(drawn_radiographs(PICTURES))))


def usual_radius(rows: npt.NDArray[np.float32]) -> float:
    """The radius for features of drawn radiographs, [N, D], rounded to three digits."""
    distances = np.linalg.norm(rows - rows.mean(axis=0, dtype=np.float64), axis=1)
    return float(f"{max(SHARE * float(np.median(distances)), 1e-3):.3g}")
