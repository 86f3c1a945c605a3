"""Where in single radiographs a model saw a class, for the report of a training.

For the linear probe over the built-in features the map is exact; for dp-sgd it is an approximation by
gradients. Of an extractor out of a file nobody knows the inside, so there is no map.

Tested in tests/cli/test_report.py and tests/unit/test_evidence.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from privxray.learning.constants import DpSgdConstants, LinearProbeConstants

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.workflow.hospital.using_model.classifier import Classifier

EXACT = (
    "The warm regions spoke for the class that the model finds most probable. For this model the map is "
    "exact: its score of a class, against the mean of all classes, is the sum of the map's fields and a "
    "constant of the model (class activation map). A field sees some way beyond its own edges."
)
BY_GRADIENTS = (
    "The warm regions spoke for the class that the model finds most probable. For this model the map is an "
    "approximation, by gradients of the class's score: it shows to what the score reacts most."
)
NONE = (
    "There is no map of the regions that spoke for a class: the study's feature extractor is a file, and "
    "privxray does not know what its features are made of."
)


@dataclass(frozen=True)
class ClassRegions:
    """Maps of images.

    :ivar fields: for each image [h, w], positive where a place speaks for the class; None without a map.
    :ivar how: how they were made, in sentences.
    """

    fields: Sequence[NDArray[np.float64]] | None
    how: str


def class_regions(
    model: Classifier, images: NDArray[np.uint8], rows: NDArray[Any], chosen: Sequence[int]
) -> ClassRegions:
    """Where the model saw a class in each image.

    :param images: canonical, uint8 [N, 260, 260]. :param rows: [N, ...] the same as the model takes them.
    :param chosen: for each image the number of a class.
    """
    if isinstance(model.constants, DpSgdConstants):
        return ClassRegions(_by_gradients(model, model.constants, rows, chosen), BY_GRADIENTS)
    if isinstance(model.constants, LinearProbeConstants) and isinstance(model.form.extractor, str):
        exact = _exact(model, model.constants, images, chosen)
        if exact is not None:
            return ClassRegions(exact, EXACT)
    return ClassRegions(None, NONE)


def _exact(
    model: Classifier, constants: LinearProbeConstants, images: NDArray[np.uint8], chosen: Sequence[int]
) -> list[NDArray[np.float64]] | None:
    from privxray.imaging.extractors.region_maps import maps_parts, pooled_parts
    from privxray.imaging.features import MAPS, POOLED
    from privxray.learning.linear_probe.evidence import evidence

    parts_of = {MAPS: maps_parts, POOLED: pooled_parts}.get(str(model.form.extractor))
    if parts_of is None:
        return None
    return [
        evidence(model.tensors, constants, [(one.maps, one.inside) for one in parts], number)
        for parts, number in zip(parts_of(images), chosen, strict=True)
    ]


def _by_gradients(
    model: Classifier, constants: DpSgdConstants, rows: NDArray[Any], chosen: Sequence[int]
) -> list[NDArray[np.float64]]:
    from privxray.learning.dp_sgd.evidence import evidence

    return [
        evidence(model.tensors, constants, row, number, len(model.classes))
        for row, number in zip(rows, chosen, strict=True)
    ]
