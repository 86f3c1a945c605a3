"""``model export`` without commands: what is no model, which model is none to export, and when it differs.

What is written, tests/cli/test_model_export.py runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from forged_files import refused

from privxray.imaging.extractors import graph_process
from privxray.workflow.inference import export_model
from privxray.workspace.config import Config
from privxray.workspace.folder import Workspace

THIRDS = np.full(3, 1 / 3)
MODEL: Any = SimpleNamespace(header=SimpleNamespace(constants={}, classes=("a", "b", "c")), tensors={})
FORM: Any = None


@pytest.mark.parametrize("typed", ["global-0001.model", "abababab.model", "received/abababab"])
def test_what_looks_like_a_path_is_told_as_one(typed: str) -> None:
    with refused("model.no-such-file"):
        export_model._fingerprint(typed)


def test_what_looks_like_a_fingerprint_is_one() -> None:
    assert export_model._fingerprint("abababab") == "abababab"
    with refused("model.not-a-fingerprint"):
        export_model._fingerprint("abababag")


def test_only_a_linear_probe_is_exported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the extra privxray[extractor] is not installed")
    workspace = Workspace.create(tmp_path, Config(role="hospital", name="hospital-a"))
    found = SimpleNamespace(header=SimpleNamespace(method="dp-sgd"))
    monkeypatch.setattr(export_model, "find_model", lambda *_, **__: found)
    with refused("model.export-of-other-method"):
        export_model.export_model(workspace, "abababab", file=tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.fixture
def difference(monkeypatch: pytest.MonkeyPatch) -> Callable[..., float]:
    """The difference where ``predict`` says a third for each class, and the graph says these rows."""

    class Probe:
        def constants(self, _: object) -> None:
            """As if there were none."""

        def probabilities(self, *_: object) -> np.ndarray:
            return np.tile(THIRDS, (export_model.TRIED, 1))

    @contextmanager
    def opened() -> Iterator[Callable[[object], None]]:
        yield lambda _: None

    def of(*rows: np.ndarray | None) -> float:
        left = list(rows)

        class Graph:
            def __init__(self, *_: object) -> None:
                """Whatever the graph is."""

            def __enter__(self) -> Graph:
                return self

            def __exit__(self, *_: object) -> None:
                """Nothing is running."""

            def row(self, _: object) -> np.ndarray | None:
                if not left:
                    raise graph_process.GraphDiedError
                return left.pop(0)

        monkeypatch.setattr(graph_process, "GraphProcess", Graph)
        return export_model._difference(b"", MODEL, FORM, 64)

    monkeypatch.setattr(export_model, "LinearProbe", Probe)
    monkeypatch.setattr(export_model, "feature_source", lambda _: SimpleNamespace(opened=opened))
    return of


def test_a_graph_may_differ_by_one_in_100_000(difference: Callable[..., float]) -> None:
    same = [THIRDS] * export_model.TRIED
    assert difference(*same) == 0.0
    assert difference(*same[1:], THIRDS + np.array([0.9e-5, 0, -0.4e-5])) == pytest.approx(0.9e-5)


@pytest.mark.parametrize(
    "rows",
    [
        [THIRDS, THIRDS, None, THIRDS, THIRDS, THIRDS],
        [None] * 6,
        [THIRDS, THIRDS],
        [*[THIRDS] * 5, THIRDS - np.array([0, 1.1e-5, 0])],
        [*[THIRDS] * 5, THIRDS * np.nan],
    ],
    ids=["no row for one", "no row", "it dies", "another one", "not a number"],
)
def test_a_graph_that_differs_is_not_written(
    difference: Callable[..., float], rows: list[np.ndarray | None]
) -> None:
    with refused("model.export-differs"):
        difference(*rows)
