"""How like two grey images are: PSNR and SSIM."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_PEAK = 255.0
_SIGMA = 1.5
_RADIUS = 5  # of the Gaussian window, 11 x 11


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two images [H, W], in dB; infinite for equal ones."""
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return math.inf if error == 0 else 10.0 * math.log10(_PEAK**2 / error)


def ssim(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Structural similarity in [-1, 1] of two images [H, W] of at least 11 x 11 pixels; 1 for equal ones.

    Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity", equation 13,
    with their Gaussian window (standard deviation 1.5) and constants, averaged over the places where the
    window fits.
    """
    from scipy.ndimage import gaussian_filter

    def local(values: NDArray[np.float64]) -> NDArray[np.float64]:
        smooth = gaussian_filter(values, _SIGMA, radius=_RADIUS)
        return np.asarray(smooth[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS])

    x, y = one.astype(np.float64), other.astype(np.float64)
    mean_x, mean_y = local(x), local(y)
    spread = local(x * x) - mean_x**2 + local(y * y) - mean_y**2
    common = local(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2
    numerator = (2 * mean_x * mean_y + c1) * (2 * common + c2)
    return float(np.mean(numerator / ((mean_x**2 + mean_y**2 + c1) * (spread + c2))))
