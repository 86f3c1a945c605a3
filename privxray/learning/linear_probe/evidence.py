"""Where in a picture the linear probe saw a class: a class activation map that is exact.

Zhou et al. 2016, "Learning deep features for discriminative localization", section 2: where features are
means of maps and the classifier is linear, the score of a class is a sum over the places of the maps. Here it
is so as well, with two additions. Each part of a row is divided by its length, and the centred row is cut to
length 1: for the picture at hand both are factors. And the centre that is taken off the row counts, for each
part, in equal shares at the places of its region.

So the map's values add up to the score, less a constant of the model. The score is the logit of the class
less the mean of all classes' logits, for a number that all logits share changes no probability.

Tested in tests/unit/test_evidence.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.learning.constants import LinearProbeConstants
from privxray.learning.interface import Tensors
from privxray.learning.linear_probe.linear_probe_method import linear_head
from privxray.privacy.clipping import Floats, clip_factors, row_norms

Part = tuple[NDArray[Any], NDArray[np.bool_]]
"""Maps [C, h, w] and the region [h, w] that their means are taken over."""


def evidence(model: Tensors, constants: LinearProbeConstants, parts: Sequence[Part], chosen: int) -> Floats:
    """[h, w] what each place adds to the score of a class: positive where it speaks for it.

    :param parts: whose means, each over its length, make the row of features in this order; all of one h x w.
    :param chosen: the number of the class.
    """
    weights, _ = linear_head(model, constants)
    direction = weights[chosen] - weights.mean(axis=0)
    centre = np.asarray(model["centre"], np.float64)
    means = [maps[:, inside].mean(axis=1).astype(np.float64) for maps, inside in parts]
    lengths = [float(np.linalg.norm(mean)) * len(parts) ** 0.5 for mean in means]
    row = np.concatenate([mean / length for mean, length in zip(means, lengths, strict=True)])
    centred = (row - centre)[None] / constants.feature_radius
    factor = float(clip_factors(row_norms(centred), 1.0)[0]) / constants.feature_radius
    found, start = np.zeros(parts[0][1].shape), 0
    for (maps, inside), length in zip(parts, lengths, strict=True):
        stretch = slice(start, start + len(maps))
        at_places = direction[stretch] @ maps[:, inside] / length - direction[stretch] @ centre[stretch]
        found[inside] += factor * at_places / inside.sum()
        start = stretch.stop
    return found


def score_constant(model: Tensors, constants: LinearProbeConstants, chosen: int) -> float:
    """What the score of a class has beside the map's values, whatever the picture."""
    _, offsets = linear_head(model, constants)
    return float(offsets[chosen] - offsets.mean())
