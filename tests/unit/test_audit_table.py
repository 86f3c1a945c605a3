"""The benchmark of all audits goes on where it was interrupted, and prints what it has."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "audit_table.py"
    spec = importlib.util.spec_from_file_location("audit_table", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "audit_table", module)
    spec.loader.exec_module(module)
    return module


def test_a_table_that_was_interrupted_goes_on_and_makes_no_run_twice(
    table: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[str] = []

    def run(row: Any) -> dict[str, Any]:
        made.append(row.name)
        if len(made) == 3:
            raise KeyboardInterrupt
        return {
            "row": row.name, "flagged": True, "by_tests": True, "by_checks": False, "least_p": 0.0,
            "steinke": 0.1, "curve": 0.4, "mean": 0.7, "seconds": 1.0, "processor": 1.0,
        }  # fmt: skip

    rows = [
        table.Row("conformance", "linear-probe", "intact", 1.0, 2),
        table.Row("one-run", "dp-sgd", "intact", 6.0, 2),
    ]
    results = tmp_path / "table.jsonl"
    monkeypatch.setattr(table.Row, "run", run)
    monkeypatch.setattr(table, "rows", lambda: iter(rows))
    monkeypatch.setattr(sys, "argv", ["audit_table.py", "--results", str(results)])
    with pytest.raises(KeyboardInterrupt):
        table.main()
    with results.open("a") as file:
        file.write('{"row": "one-run|dp-s')  # a line that was cut off
        file.write("\n")
    table.main()
    assert made == [rows[0].name] * 2 + [rows[1].name] * 3
    complete = [line for line in results.read_text().splitlines() if line.endswith("}")]
    assert [json.loads(line)["row"] for line in complete] == [rows[0].name] * 2 + [rows[1].name] * 2
    told = capsys.readouterr().out
    assert "| linear-probe | intact | 2 | 2 | 2 | 0 | 1.0 to 1.0 |" in told
    assert (
        "| dp-sgd | intact | 6 | 2 | 2 | 0.10 to 0.10 | 0.40 to 0.40 | 0.70 to 0.70 | 2 | 1.0 to 1.0 |"
        in told
    )


def test_the_table_has_every_engine_that_issue_29_lists(table: ModuleType) -> None:
    rows = list(table.rows())
    for method in ("linear-probe", "dp-sgd"):
        engines = {row.engine for row in rows if (row.audit, row.method) == ("conformance", method)}
        assert {"intact", "noise reused in every step", "one class without noise"} < engines
        assert {"noise cut at one deviation", "an exact vector leaves"} < engines
        assert {f"noise divided by {factor}" for factor in ("1.05", "1.5", "2", "5")} < engines
    assert {row.runs for row in rows if row.audit == "conformance"} == {100, 20}
