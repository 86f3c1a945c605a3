"""The pictures of an audit's report, as data URLs: PNG, drawn without a display.

Tested by the command that writes them, in tests/cli/test_audit.py.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from privxray.audit.conformance.verdict import EDGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from privxray.audit.claim_test import ClaimTest
    from privxray.audit.conformance.verdict import Conformance
    from privxray.audit.membership import Membership

_IN, _OUT, _CLAIM = "#0a58a8", "#8a8f98", "#a40e26"
_ENLARGED = 160  # pixels a side
_LEAST_P = 1e-20  # smaller ones are drawn like this one


def conformance_plot(found: Conformance) -> str:
    """Left: all noise beside N(0, 1). Right: the p-value of each test, and where it would be flagged."""
    from scipy.stats import norm

    figure, (left, right) = _axes(2)
    middles = (EDGES[1:] + EDGES[:-1]) / 2
    wanted = found.values * np.diff(norm.cdf(EDGES))
    left.stairs(np.maximum(found.histogram, 0.1), EDGES, fill=True, color=_IN, alpha=0.75, label="seen")
    left.plot(middles, np.maximum(wanted, 0.1), color="black", label="claimed")
    left.set(xlabel="noise over its claimed deviation", ylabel="numbers", yscale="log", ylim=(0.5, None))
    left.set_title("Noise in the answers")
    left.legend(frameon=False)
    names = [test.name for test in reversed(found.tests)]
    right.barh(names, [-np.log10(max(test.p, _LEAST_P)) for test in reversed(found.tests)], color=_IN)
    right.axvline(-np.log10(found.level), color=_CLAIM, linestyle="--", label="flagged from here on")
    right.set(xlabel="-log10 of p", title="Tests")
    right.tick_params(axis="y", labelsize=6)
    right.legend(frameon=False, fontsize=7)
    return _png(figure)


def one_run_plot(found: ClaimTest, scores: NDArray[np.float64], coins: NDArray[np.bool_]) -> str:
    """Left: the canaries' scores, of those in and of those left out. Right: lower bound, ceiling and claim.

    :param scores: [m]. :param coins: [m] which canaries were in.
    """
    figure, (left, right) = _axes(2)
    edges = np.histogram_bin_edges(scores, 24).tolist()
    left.hist(scores[coins], edges, color=_IN, alpha=0.75, label="in")
    left.hist(scores[~coins], edges, histtype="step", color="black", hatch="//", label="left out")
    left.set(xlabel="score", ylabel="canaries", title="Canaries by their score")
    left.legend(frameon=False)
    right.barh(["most that could\nbe shown", "shown"], [found.ceiling, found.lower_bound], color=[_OUT, _IN])
    right.axvline(found.claim.epsilon, color=_CLAIM, linestyle="--", label=f"claim {found.claim.epsilon:g}")
    right.set(xlabel="epsilon", title=f"Lower bound, {found.confidence:.0%} confidence")
    right.set_xlim(0, 1.1 * max(found.ceiling, found.claim.epsilon))
    right.legend(frameon=False, loc="upper right")
    return _png(figure)


def membership_plot(found: Membership) -> str:
    """The ROC curve on linear and on logarithmic axes, with what the claim allows at most."""
    figure, (left, right) = _axes(2)
    fpr = np.linspace(0.0, 1.0, 1001)
    claim = found.claim_test.claim
    most = np.minimum(1.0, np.exp(claim.epsilon) * fpr + claim.delta)
    for axes in (left, right):
        axes.plot(fpr, most, color=_CLAIM, linestyle="--", label=f"most at epsilon {claim.epsilon:g}")
        axes.plot(fpr, fpr, color=_OUT, linestyle=":", label="guessing")
        axes.step(found.fpr, found.tpr, where="post", color=_IN, label="attack")
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
    left.set(title=f"AUC {found.auc:.3f}", xlim=(0, 1), ylim=(0, 1.02))
    left.legend(frameon=False, loc="lower right")
    right.set(xscale="log", yscale="log", xlim=(1e-3, 1), ylim=(1e-3, 1.2))
    right.set_title(f"TPR {found.tpr_at_low_fpr:.3f} at FPR 1 %")
    return _png(figure)


def enlarged(picture: NDArray[np.uint8]) -> str:
    """A small grey image [H, W], each pixel as a square."""
    image = Image.fromarray(picture).resize((_ENLARGED, _ENLARGED), Image.Resampling.NEAREST)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return _url(stream)


def _axes(number: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * number, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(1, number, place + 1) for place in range(number)]


def _png(figure: Figure) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return _url(stream)


def _url(stream: io.BytesIO) -> str:
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
