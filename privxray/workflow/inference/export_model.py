"""``model export``: a model as one ONNX file, or as a MONAI bundle, with its card.

What is written is tried before it leaves: on drawn radiographs it must give what ``predict`` gives.

Tested in tests/cli/test_model_export.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privxray.errors import RefusedError, SystemTroubleError, UsageError
from privxray.exchange.intake import read_again
from privxray.formats.extractor_file import ExtractorFile
from privxray.imaging.drawn_radiographs import drawn_radiographs
from privxray.learning.linear_probe.linear_probe_method import LinearProbe, linear_head
from privxray.naming.public_names import lone_name
from privxray.privacy.guarantee import ADJACENCY
from privxray.workflow.common.method_inputs import InputForm, feature_source, file_of
from privxray.workflow.common.send import send_as
from privxray.workflow.common.stamp import stamp
from privxray.workflow.inference.fingerprints import check_fingerprint
from privxray.workflow.inference.global_model import GlobalModel, find_model
from privxray.workflow.inference.model_card import bundle_files, model_card
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking, working
from privxray.workspace.state_tables.sent_tables import SentFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_DIFFERENCE = 1e-5
"""What a probability may differ by from that of ``predict``."""

TRIED = 6


@dataclass(frozen=True)
class ExportedModel:
    """A model as ONNX.

    :ivar files: what was written, the ONNX file first.
    :ivar difference: the largest difference of a probability from ``predict``, on drawn radiographs.
    :ivar written: whether anything was; otherwise the same files were there.
    """

    model: GlobalModel
    files: tuple[Path, ...]
    difference: float
    written: bool


def export_model(
    workspace: Workspace,
    model: str,
    *,
    file: Path | None = None,
    bundle: Path | None = None,
    force: bool = False,
) -> ExportedModel:
    """Write a model that is kept here as an ONNX file with its card, and as a MONAI bundle.

    :param model: its file, or the beginning of its fingerprint.
    :param file: the ONNX file; its card goes beside it, as ``.md``.
    :param bundle: the bundle's folder.
    :param force: replace other files of these names.
    :raises WorkspaceError: this workspace does not have that model, or not its extractor's file.
    :raises RefusedError: it is no linear probe, or another file is there.
    :raises UsageError: the extra ``extractor`` is not installed.
    :raises SystemTroubleError: what was made does not compute what ``predict`` does.
    """
    from privxray.imaging.extractors.classifier_graph import Classifier, write_classifier
    from privxray.imaging.extractors.file_extractor import require_onnx

    require_onnx()
    workspace.require(("hospital", "coordinator"), "model export")
    with looking(workspace) as session:
        path = Path(model)
        found = find_model(
            workspace, session.state, _fingerprint(model), file=path if path.is_file() else None
        )
    if found.header.method != "linear-probe":
        raise RefusedError(
            f"only linear-probe models are written as ONNX, and this one is {found.header.method}",
            reason="model.export-of-other-method",
            advice="Its network is in privxray/learning/dp_sgd/networks.py; load the weights there",
        )
    constants = LinearProbe().constants(found.header.constants)
    form = InputForm(constants.feature_dim, found.header.features_by, workspace.extractors)
    extractor, side = _extractor(form)
    terms = form.extractor if isinstance(form.extractor, ExtractorFile) else None
    classifier = Classifier(extractor, terms, side, _numbers(found), _said(found))
    data = write_classifier(classifier)
    difference = _difference(data, found, form, side)
    card = model_card(found, side)
    wanted = {file: data, file.with_suffix(".md"): card} if file else {}
    if bundle:
        wanted |= {bundle / name: part for name, part in bundle_files(found, side, data, card).items()}
    with working(workspace) as session:
        written = [
            send_as(session.state, _noted(found, part, path), part, path, force=force)
            for path, part in wanted.items()
        ]
    return ExportedModel(found, tuple(wanted), difference, any(written))


def _noted(model: GlobalModel, data: bytes, path: Path) -> SentFile:
    """What the record of files that left says of a part of an export."""
    return SentFile(
        at=stamp().created,
        kind="model for other programs",
        name=lone_name(path),
        study=model.header.study,
        round=model.header.round,
        recipients=(),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _fingerprint(model: str) -> str:
    path = Path(model)
    if path.is_file():
        return read_again(path).envelope.digest
    if path.suffix or len(path.parts) > 1:  # no fingerprint looks so
        raise UsageError(
            "there is no such file",
            reason="model.no-such-file",
            file=path,
            advice="Type the path of the .model file, or the first digits of the model's fingerprint",
        )
    check_fingerprint(model)
    return model


def _extractor(form: InputForm) -> tuple[bytes, int]:
    """The graph of a model's features, and the side of its image."""
    from privxray.imaging import features
    from privxray.imaging.extractors.file_extractor import read_file
    from privxray.imaging.extractors.pinned_files import SIZE, pinned_graph

    if isinstance(form.extractor, ExtractorFile):
        return read_file(file_of(form.extractor, form.files)), form.extractor.input[0]
    if form.extractor == features.MAPS:
        return pinned_graph(), SIZE
    from privxray.imaging.extractors import built_in_graph, torch_engine

    return built_in_graph.graph_of(torch_engine.pooled_network(), form.size), SIZE


def _numbers(model: GlobalModel) -> Mapping[str, NDArray[Any]]:
    constants = LinearProbe().constants(model.header.constants)
    weights, offsets = linear_head(model.tensors, constants)
    return {
        "weights": weights,
        "offsets": offsets,
        "centre": model.tensors["centre"],
        "radius": np.array([constants.feature_radius]),
    }


def _said(model: GlobalModel) -> Mapping[str, str]:
    header = model.header
    return {
        "classes": ",".join(header.classes),
        "model": model.digest,
        "study": f"{header.study}",
        "epsilon": f"{header.epsilon:g}",
        "delta": f"{header.delta:g}",
        "adjacency": ADJACENCY,
    }


def _difference(data: bytes, model: GlobalModel, form: InputForm, side: int) -> float:
    """The largest difference of a probability from ``predict``.

    :raises SystemTroubleError: it is too large.
    """
    from privxray.imaging.display.grey import shrink
    from privxray.imaging.extractors.graph_process import Feeding, GraphDiedError, GraphProcess

    pictures = drawn_radiographs(TRIED)
    with feature_source(form).opened() as extract:
        inputs = extract(pictures)
    constants = LinearProbe().constants(model.header.constants)
    expected = LinearProbe().probabilities(model.tensors, inputs, constants, model.header.classes)
    try:
        with GraphProcess(data, Feeding((), 1.0, 0.0)) as process:
            rows = [process.row(shrink(picture, side)) for picture in pictures]
    except GraphDiedError:
        rows = [None]
    apart = [
        np.inf if row is None else np.abs(row - one).max()
        for row, one in zip(rows, expected, strict=False)  # a graph that died gave no rows
    ]
    difference = float(np.max(apart))  # NaN where one of them is
    if not difference <= MOST_DIFFERENCE:
        raise SystemTroubleError(
            "the ONNX file does not compute what predict does, so it was not written",
            reason="model.export-differs",
            advice="Report this, with the model's extractor; use privxray predict",
        )
    return difference
