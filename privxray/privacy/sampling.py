"""Poisson sampling of patients, which is what the accountant's ``poisson-gaussian`` events stand for.

Shuffled passes over the data in batches of fixed size are not Poisson sampling. To claim its amplification
for them is unsound (Lebeda et al. 2024, "Avoiding pitfalls for privacy accounting of subsampled
mechanisms").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privxray.privacy.noise import NoiseSource


def poisson_sample(patients: int, q: float, source: NoiseSource) -> NDArray[np.int64]:
    """Take each of ``patients`` patients with probability ``q``, independently.

    :param q: sampling rate in (0, 1]. It is a public constant, never a batch size over the number of
        patients.
    :returns: the patients taken: ascending numbers in [0, patients), as private as the data. There may be
        none; an empty batch is a step like any other.
    :raises ValueError: q out of range.
    """
    if not 0.0 < q <= 1.0:
        raise ValueError("a sampling rate lies in (0, 1]")
    return np.flatnonzero(source.uniform(patients) < q).astype(np.int64)
