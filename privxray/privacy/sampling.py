"""Poisson sampling of patients, which is what the accountant's ``poisson-gaussian`` events stand for.

Shuffled passes over the data in batches of fixed size are not Poisson sampling. To claim its amplification
for them is unsound (Lebeda et al. 2024, "Avoiding pitfalls for privacy accounting of subsampled
mechanisms").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privxray.privacy.noise import NoiseSource

LEAST_SAMPLED_NOISE = 0.5
"""The least noise over sensitivity of a step that samples patients.

delta may hide a rare release: at q = 9e-6 it covers every step that a patient is in, and composition alone
would let such a step be nearly noiseless. With 10,000 patients some patient is then published nearly raw with
a chance of 9 %. At 0.5 even the patient who is sampled keeps an epsilon of 10 at delta 1e-5 in that step."""


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
