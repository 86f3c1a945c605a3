"""Which engines the audits flag, how often, and what the intact one is shown to give away.

    python tests/benchmarks/audit_table.py [--results FILE] [--share 1.0] [--only conformance|one-run]

Each audit is a line of the results file as soon as it has ended. The same command goes on where it was
interrupted, and at the end it prints the tables of docs/BENCHMARKS.md. The whole table takes under two
hours on two cores; ``--share 0.1`` makes a tenth of the runs of each row. Nothing is seeded. The engines
are those of tests/unit/broken_engines.py.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "unit"))

import torch
from broken_engines import BROKEN, DELTA, Broken, one_run

from privxray.audit.canary_kinds import canaries_of
from privxray.audit.kept_answers import KeptAnswers
from privxray.learning import methods
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.auditing.audited_patients import INVENTED
from privxray.workflow.auditing.claim import Claim
from privxray.workflow.auditing.conformance_audit import TRAININGS, audit_conformance

INTACT = "intact"
FROM_OUTSIDE = (
    "noise divided by 1.5",
    "noise divided by 2",
    "noise divided by 5",
    "noise off",
    "every image a patient",
)


@dataclass(frozen=True)
class Row:
    """One row of a table: an audit of one engine, so many times."""

    audit: str
    method: str
    engine: str
    epsilon: float
    runs: int

    @property
    def name(self) -> str:
        return f"{self.audit}|{self.method}|{self.engine}|{self.epsilon:g}"

    def broken(self) -> Broken:
        return Broken() if self.engine == INTACT else BROKEN[self.method][self.engine]

    def run(self) -> dict[str, Any]:
        """One audit: what it found, and how long it took."""
        clock, processor, engine = time.perf_counter(), time.process_time(), self.broken()
        with engine.patch():
            found = (self._inside if self.audit == "conformance" else self._outside)(engine)
        spent = {"seconds": time.perf_counter() - clock, "processor": time.process_time() - processor}
        return {"row": self.name, **found, **{name: round(value, 2) for name, value in spent.items()}}

    def _inside(self, engine: Broken) -> dict[str, Any]:
        method = engine.change(methods.get(self.method))
        claim = Claim(self.epsilon, DELTA)
        found = audit_conformance(method, claim, INVENTED, TRAININGS[self.method], source=engine.source())
        return {
            "flagged": found.flagged,
            "by_tests": bool(found.flagged_tests),
            "by_checks": any(check.fault for check in found.checks),
            "least_p": min((test.p for test in found.tests), default=0.0) * len(found.tests),
        }

    def _outside(self, engine: Broken) -> dict[str, Any]:
        method = engine.change(methods.get(self.method))
        with tempfile.TemporaryDirectory() as folder:
            found = one_run(
                KeptAnswers(Path(folder) / "answers", os.urandom(32)),
                method,
                canaries=canaries_of(method).default,
                training_source=engine.source(),
                claim=Guarantee(self.epsilon, DELTA),
            )
        assert found.gaussian is not None
        return {
            "flagged": found.flagged,
            "steinke": found.claim_test.lower_bound,
            "curve": found.gaussian.curve_bound,
            "mean": found.gaussian.mean_bound,
        }


def rows() -> Iterator[Row]:
    """The whole table."""
    for method in methods.NAMES:
        yield Row("conformance", method, INTACT, 1.0, 100)
        for engine in BROKEN[method]:
            yield Row("conformance", method, engine, 1.0, 20)
    for method in methods.NAMES:
        yield Row("one-run", method, INTACT, 1.0, 20)
        yield Row("one-run", method, INTACT, 6.0, 5)
        for engine in FROM_OUTSIDE:
            yield Row("one-run", method, engine, 1.0, 5)


def done(results: Path) -> dict[str, list[dict[str, Any]]]:
    """The runs in the results file, by row. A line that was cut off is left out."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in results.read_text().splitlines() if results.exists() else []:
        try:
            run = json.loads(line)
        except ValueError:
            continue
        found[run["row"]].append(run)
    return found


def tables(found: dict[str, list[dict[str, Any]]]) -> None:
    """Print what was found, as docs/BENCHMARKS.md has it."""
    print("| method | engine | runs | flagged | by chance tests | by exact checks | seconds |")
    print("| --- | --- | ---: | ---: | ---: | ---: | --- |")
    for row in rows():
        if row.audit == "conformance" and (runs := found[row.name]):
            flagged, by_tests, by_checks = (
                sum(r[k] for r in runs) for k in ("flagged", "by_tests", "by_checks")
            )
            print(
                f"| {row.method} | {row.engine} | {len(runs)} | {flagged} | {by_tests} | {by_checks} | "
                f"{span(runs, 'seconds', 1)} |"
            )
    print()
    print(
        "| method | engine | claim | runs | flagged | fair coins | Gaussian curve | Gaussian scores | "
        "at least .5 | seconds |"
    )
    print("| --- | --- | ---: | ---: | ---: | --- | --- | --- | ---: | --- |")
    for row in rows():
        if row.audit == "one-run" and (runs := found[row.name]):
            print(
                f"| {row.method} | {row.engine} | {row.epsilon:g} | {len(runs)} | "
                f"{sum(r['flagged'] for r in runs)} | "
                f"{span(runs, 'steinke')} | {span(runs, 'curve')} | {span(runs, 'mean')} | "
                f"{sum(max(r['curve'], r['mean']) >= 0.5 for r in runs)} | {span(runs, 'seconds', 1)} |"
            )


def span(runs: list[dict[str, Any]], key: str, digits: int = 2) -> str:
    values = [run[key] for run in runs]
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def main() -> None:
    """Make the runs that are missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("audit-table.jsonl"))
    parser.add_argument("--share", type=float, default=1.0, help="of the runs of each row; one at least")
    parser.add_argument("--only", choices=("conformance", "one-run"))
    parser.add_argument("--method", choices=methods.NAMES)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = done(arguments.results)
    for row in rows():
        if arguments.only not in (None, row.audit) or arguments.method not in (None, row.method):
            continue
        for _ in range(max(1, round(row.runs * arguments.share)) - len(found[row.name])):
            run = row.run()
            found[row.name].append(run)
            with arguments.results.open("a") as file:
                file.write(json.dumps(run) + "\n")
            print(run, file=sys.stderr, flush=True)
    tables(found)


if __name__ == "__main__":
    main()
