"""Would the tests notice? One change at a time in a copy of the tree: ``make mutants``, or

    python tests/mutants/run.py --only exchange formats --kinds refusal condition
    python tests/mutants/run.py --only privacy --kinds constant --sample 60 --seed 31

What a change is, :mod:`mutate` says. For each one the tests that :mod:`tested_by` names run until the first
fails. A change that all of them pass has survived. survivors.toml, beside this file, lists those that may,
each with its reason. This script ends with 1 where others survive. ``--write`` adds them to the list, with an
empty reason for you to fill in.

What was noticed is remembered in ``.mutants/`` and not tried again while the text of its module stays;
survivors are always tried again. ``--anew`` forgets everything, for figures to report.

Needs fork (so not on Windows): each run starts from a process that has imported all libraries already, which
saves most of a run's time.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mutate import KINDS, Mutant, mutants
from tested_by import tests_for

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SURVIVORS = HERE / "survivors.toml"
REMEMBERED = ROOT / ".mutants"

# Without which a folder is not gone through when --only names nothing.
FOLDERS = (
    "exchange",
    "formats",
    "keys",
    "inference",
    "privacy",
    "learning",
    "workflow/inference",
    "workflow/ledger",
    "workflow/hospital/local_training/reserve_budget.py",
)
# Code whose tests say nothing about privacy or trust is no part of it.
_SENSITIVITY = (
    "privxray/learning/linear_probe/probe_queries.py",
    "privxray/learning/dp_sgd/averaged_weights.py",
    "privxray/learning/dp_sgd/clipped_sum.py",
    "privxray/learning/dp_sgd/image_gradients.py",
    "privxray/learning/dp_sgd/independence.py",
    "privxray/learning/dp_sgd/layer_gradients.py",
    "privxray/learning/dp_sgd/network_inputs.py",
    "privxray/learning/dp_sgd/step_batch.py",
)
_PRELOADED = (
    "pytest", "numpy", "scipy.stats", "hypothesis", "hypothesis.stateful", "pydantic", "mnemonic",
    "safetensors.numpy", "cryptography.hazmat.primitives.hpke",
    "cryptography.hazmat.primitives.asymmetric.mlkem", "typer", "rich", "yaml",
)  # fmt: skip
_HEAVY = {
    "privxray/privacy/": ("dp_accounting",),
    "privxray/learning/": ("torch", "dp_accounting"),
    "privxray/workflow/inference/": ("torch",),
}
_PATIENCE = 6
"""A machine may be busy with other things as well: so many seconds may pass for one of processor time."""
OWN = 2
"""So many files of a module's tests run first, by themselves: what they notice waits for no others."""
MEMORY = 8 << 30
"""Bytes of data that a run may have: a constant that was shifted may ask for any amount."""


@dataclass(frozen=True)
class Verdict:
    """How a run ended: ``noticed`` (by which test), ``survived``, or ``slow``, which counts as noticed.

    ``seconds`` are of processor time.
    """

    outcome: str
    by: str
    seconds: float


class Copy:
    """A copy of the tree in which one module at a time is another one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.original = folder, ""
        for name in ("privxray", "tests", "docs", "examples"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "Makefile", "CHANGELOG.md"):
            shutil.copy(ROOT / name, folder / name)

    def start(self, module: str | None, text: str, tests: Sequence[str], limit: float) -> int:
        """Run tests in a child process, with ``text`` in the place of ``module``; without one, as all is.

        :param limit: seconds of processor time after which the child is ended.
        """
        if module is not None:
            self.original = (self.folder / module).read_text("utf-8")
            (self.folder / module).write_text(text, "utf-8")
        self._forget_compiled(module)
        child = os.fork()
        if child == 0:
            self._become_pytest(tests, limit, compiling=module is None)
        return child

    def restore(self, module: str | None) -> None:
        if module is not None:
            (self.folder / module).write_text(self.original, "utf-8")
            self._forget_compiled(module)

    def failed(self) -> str:
        """The first test that failed in the run that is over, or how it ended."""
        lines = (self.folder / "out.txt").read_text(errors="replace").splitlines()
        said = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
        return (said or lines or [""])[-1][:200]

    def _forget_compiled(self, module: str | None) -> None:
        if module is not None:  # a compiled file is known by second and size, and both may be the same
            path = self.folder / module
            for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
                compiled.unlink()

    def _become_pytest(self, tests: Sequence[str], limit: float, *, compiling: bool) -> None:
        code = 3
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 1))
            out = os.open(self.folder / "out.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.chdir(self.folder)
            os.environ["PYTHONPATH"] = str(self.folder)
            os.environ["TMPDIR"] = tempfile.tempdir = str(self.folder / "tmp")
            Path(tempfile.tempdir).mkdir(exist_ok=True)
            sys.path[:] = [
                str(self.folder),
                *(part for part in sys.path if part not in (str(HERE), str(ROOT))),
            ]
            sys.dont_write_bytecode = not compiling
            import pytest

            options = ["-x", "-q", "-p", "no:cacheprovider", "--tb=line", "-rfE", "--hypothesis-seed=0"]
            for some in filter(None, (tests[:OWN], tests[OWN:])):
                code = int(pytest.main([*options, *some]))
                if code:
                    break
        finally:
            sys.stdout.flush()
            os._exit(code)


def modules(folders: Iterable[str]) -> list[str]:
    """The modules to go through, as paths from the root."""
    found = []
    for folder in folders:
        start = ROOT / "privxray" / folder
        for path in sorted(start.rglob("*.py")) if start.is_dir() else [start]:
            name = path.relative_to(ROOT).as_posix()
            if tests_for(name) and (not name.startswith("privxray/learning/") or name in _SENSITIVITY):
                found.append(name)
    return found


def remembered() -> dict[str, str]:
    """What was noticed before, by the digest of mutant and module: the test that did."""
    path = REMEMBERED / "noticed.jsonl"
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {line["digest"]: line["by"] for line in lines}


def named(mutant: Mutant) -> str:
    """A mutant in one line."""
    return f"{mutant.module} {mutant.function} [{mutant.kind}] {mutant.source}  ->  {mutant.becomes}"


def part(mutant: Mutant) -> tuple[str, str]:
    """Under what a change is counted: the folder of its module, and its kind."""
    return (str(Path(mutant.module).parent.relative_to("privxray")), mutant.kind)


def digest(mutant: Mutant, text: str) -> str:
    return hashlib.sha256(repr((mutant.key, text)).encode()).hexdigest()


def argued() -> dict[tuple[str, str, str, str, str, int], str]:
    """The reasons in survivors.toml, by mutant."""
    if not SURVIVORS.exists():
        return {}
    listed = tomllib.loads(SURVIVORS.read_text("utf-8")).get("survivor", [])
    return {Mutant(**{k: v for k, v in one.items() if k != "why"}).key: one["why"] for one in listed}


HEAD = """\
# Changes that no test notices, each with the reason why none has to: written by tests/mutants/run.py --write,
# the reasons by people. No refusal that an input can reach is among them.
"""


def write(reasons: dict[tuple[str, str, str, str, str, int], str]) -> None:
    """Write survivors.toml, sorted."""
    parts = [HEAD]
    for key in sorted(reasons):
        mutant = Mutant(*key)
        lines = [
            f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in asdict(mutant).items()
        ]
        if mutant.which == 1:
            lines.pop()
        parts.append(
            "\n".join(["[[survivor]]", *lines, f"why = {json.dumps(reasons[key], ensure_ascii=False)}", ""])
        )
    SURVIVORS.write_text("\n".join(parts), "utf-8")


class Runner:
    """Runs mutants in ``jobs`` copies at a time."""

    def __init__(self, jobs: int, folder: Path) -> None:
        self.copies = [Copy(folder / str(number)) for number in range(jobs)]
        self.limits: dict[frozenset[str], float] = {}

    def limit(self, tests: tuple[str, ...]) -> float:
        """How much processor time a run of these tests may take: three times what it takes unchanged."""
        known = frozenset(tests)
        if known not in self.limits:
            (verdict,) = [v for _, v in self.verdicts([(None, "", tests, 900.0)])]
            if verdict.outcome != "survived":
                sys.exit(f"the tests fail without any change: {verdict.by}")
            self.limits[known] = 3 * verdict.seconds + 10
        return self.limits[known]

    def verdicts(
        self, work: Iterable[tuple[Mutant | None, str, tuple[str, ...], float]]
    ) -> Iterator[tuple[Mutant | None, Verdict]]:
        """Each mutant with what became of it, in the order in which they end."""
        waiting, free = iter(work), list(self.copies)
        running: dict[int, tuple[Copy, Mutant | None, float, float]] = {}
        try:
            while True:
                while free and (one := next(waiting, None)) is not None:
                    mutant, text, tests, limit = one
                    copy = free.pop()
                    child = copy.start(mutant and mutant.module, text, tests, limit)
                    running[child] = (copy, mutant, time.monotonic(), limit)
                if not running:
                    return
                child, verdict = self._wait(running)
                copy, mutant, _, _ = running.pop(child)
                copy.restore(mutant and mutant.module)
                free.append(copy)
                yield mutant, verdict
        finally:
            for child in running:
                _end(child)

    @staticmethod
    def _wait(running: dict[int, tuple[Copy, Mutant | None, float, float]]) -> tuple[int, Verdict]:
        while True:
            for child, (copy, _, began, limit) in running.items():
                done, status, used = os.wait4(child, os.WNOHANG)
                if done:
                    seconds = used.ru_utime + used.ru_stime
                    if os.WIFSIGNALED(status) and seconds > limit:
                        return child, Verdict("slow", f"not done after {limit:.0f} s", seconds)
                    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
                        return child, Verdict("survived", "", seconds)
                    return child, Verdict("noticed", copy.failed(), seconds)
                if time.monotonic() - began > _PATIENCE * limit:  # it waits for something
                    _end(child)
                    return child, Verdict("slow", f"not done after {_PATIENCE * limit:.0f} s", limit)
            time.sleep(0.02)


def _end(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)


def preload(names: Sequence[str]) -> None:
    """Import what the runs have in common and what is none of privxray's."""
    heavy = {one for start, more in _HEAVY.items() for one in more if any(n.startswith(start) for n in names)}
    for name in (*_PRELOADED, *sorted(heavy)):
        importlib.import_module(name)
    assert not any(name.split(".")[0] == "privxray" for name in sys.modules)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument(
        "--only", nargs="+", default=FOLDERS, metavar="FOLDER", help="folders or modules of privxray"
    )
    words.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    words.add_argument("--sample", type=int, metavar="N", help="try N changes drawn at random, not all")
    words.add_argument("--seed", type=int, default=0, help="of the sample")
    words.add_argument("--jobs", type=int, default=1)
    words.add_argument("--anew", action="store_true", help="forget what was noticed before")
    words.add_argument("--list", action="store_true", help="print the changes and run nothing")
    words.add_argument("--write", action="store_true", help="add survivors to survivors.toml")
    typed = words.parse_args()
    names = modules(typed.only)
    chosen = [
        (mutant, text)
        for name in names
        for mutant, text in mutants(name, (ROOT / name).read_text("utf-8"))
        if mutant.kind in typed.kinds
    ]
    if typed.sample is not None and typed.sample < len(chosen):
        print(f"{typed.sample} of {len(chosen)} changes, drawn with seed {typed.seed}")
        drawn = random.Random(typed.seed).sample(range(len(chosen)), typed.sample)
        chosen = [chosen[number] for number in sorted(drawn)]
    if typed.list:
        for mutant, _ in chosen:
            print(named(mutant))
        return 0
    return go_through(chosen, typed, names)


def go_through(chosen: list[tuple[Mutant, str]], typed: argparse.Namespace, names: list[str]) -> int:
    """Run, remember, report. 1 where something survives that survivors.toml does not argue."""
    preload(names)
    REMEMBERED.mkdir(exist_ok=True)
    if typed.anew:
        (REMEMBERED / "noticed.jsonl").unlink(missing_ok=True)
    known, reasons, tally = remembered(), argued(), Counter[tuple[str, str, str]]()
    todo = [one for one in chosen if digest(*one) not in known]
    tally.update((*part(mutant), "noticed") for mutant, text in chosen if digest(mutant, text) in known)
    survivors: list[Mutant] = []
    texts = {mutant.key: text for mutant, text in todo}
    with tempfile.TemporaryDirectory(prefix="privxray-mutants-") as folder:
        runner = Runner(typed.jobs, Path(folder))
        limits = {mutant.module: runner.limit(tests_for(mutant.module)) for mutant, _ in todo}
        work = ((mutant, text, tests_for(mutant.module), limits[mutant.module]) for mutant, text in todo)
        for number, (mutant, verdict) in enumerate(runner.verdicts(work), start=1):
            assert mutant is not None
            line = f"{number}/{len(todo)} {verdict.outcome} {verdict.seconds:.1f} s  {named(mutant)}"
            print(line, flush=True)
            if verdict.outcome == "survived":
                survivors.append(mutant)
                tally[*part(mutant), "argued" if reasons.get(mutant.key) else "survived"] += 1
                continue
            tally[*part(mutant), "noticed"] += 1
            with (REMEMBERED / "noticed.jsonl").open("a") as book:
                said = {"digest": digest(mutant, texts[mutant.key]), "by": verdict.by}
                book.write(json.dumps(said) + "\n")
    return report(typed, chosen, survivors, tally)


def report(
    typed: argparse.Namespace,
    chosen: list[tuple[Mutant, str]],
    survivors: list[Mutant],
    tally: Counter[tuple[str, str, str]],
) -> int:
    reasons = argued()
    looked_at = {(m.module, m.kind) for m, _ in chosen}
    gone = [key for key in reasons if (key[0], key[2]) in looked_at and Mutant(*key) not in survivors]
    for folder, kind in sorted({(folder, kind) for folder, kind, _ in tally}):
        ends = {end: tally[folder, kind, end] for end in ("noticed", "argued", "survived")}
        counts = ", ".join(f"{count} {end}" for end, count in ends.items())
        print(f"{folder} {kind}: {sum(ends.values())} tried, {counts}")
    for key in gone:
        print(f"no survivor any more, take it off survivors.toml: {key}")
    unargued = [mutant for mutant in survivors if not reasons.get(mutant.key)]
    for mutant in unargued:
        print(f"survived: {named(mutant)}")
    if typed.write:
        kept = {key: why for key, why in reasons.items() if key not in gone}
        write(kept | {mutant.key: "" for mutant in unargued})
    return 1 if unargued or gone else 0


if __name__ == "__main__":
    sys.exit(main())
