"""Poisson sampling of patients: the sampling that the accountant's ``poisson-gaussian`` stands for.

A shuffled pass over the data in batches of fixed size is not it, and claiming its amplification for such a
pass is unsound (Lebeda et al. 2024, "Avoiding pitfalls for privacy accounting of subsampled mechanisms").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privxray.privacy.noise import NoiseSource


def poisson_sample(patients: int, q: float, source: NoiseSource) -> NDArray[np.int64]:
    """Take each of ``patients`` patients with probability ``q``, independently.

    :param q: sampling rate in (0, 1]; a public constant, never batch size over patients.
    :returns: the patients taken, ascending ids in [0, patients). It may be empty, and an empty batch is a
        step like any other. The ids are as private as the data.
    """
    if not 0.0 < q <= 1.0:
        raise ValueError("a sampling rate lies in (0, 1]")
    return np.flatnonzero(source.uniform(patients) < q).astype(np.int64)
