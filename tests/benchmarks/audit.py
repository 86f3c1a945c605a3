"""How often audits flag the intact engine, and what they find of broken ones.

    python tests/benchmarks/audit.py [--only one-run|membership|inversion] [--method METHOD] [--runs 20]

Prints, for docs/BENCHMARKS.md: each run's right guesses and lower bound by engine, at a claimed epsilon of 1;
AUC and TPR of membership inference; SSIM and PSNR of reconstructions. The broken engines are those of
tests/unit/broken_engines.py. Nothing is seeded: coins, canaries and noise come from the operating system.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from broken_engines import CLASSES, DELTA, Quiet, Silent, audited, engines, nothing_clipped, told_apart

from privxray.audit.canary_kinds import canaries_of
from privxray.audit.inversion import Search
from privxray.audit.kept_answers import KeptAnswers
from privxray.audit.membership import PATIENTS
from privxray.learning import methods
from privxray.privacy.noise import SecureNoise
from privxray.workflow.auditing.audited_patients import INVENTED
from privxray.workflow.auditing.claim import Claim
from privxray.workflow.auditing.inversion_audit import UPDATE_KINDS, audit_inversion

BROKEN_RUNS = 5


@contextmanager
def store() -> Iterator[KeptAnswers]:
    with tempfile.TemporaryDirectory() as folder:
        yield KeptAnswers(Path(folder) / "answers", os.urandom(32))


def one_run(name: str, runs: int) -> None:
    """Every engine of a method, at the method's default number of canaries."""
    intact = methods.get(name)
    canaries = canaries_of(intact).default
    tried: dict[str, tuple[Any, Any]] = {"intact": (intact, None)}
    tried |= {f"noise / {factor:g}": (intact, Quiet(factor)) for factor in (2.0, 3.0, 8.0)}
    for engine, (method, source) in (tried | engines(name)).items():
        show(engine, method, source, canaries, runs if engine == "intact" else BROKEN_RUNS)
    if name == "linear-probe":
        with nothing_clipped():
            show("normalisation and clipping off", intact, None, canaries, BROKEN_RUNS)


def show(engine: str, method: Any, source: Any, canaries: int, runs: int) -> None:
    found, clock = [], time.perf_counter()
    for _ in range(runs):
        with store() as answers:
            found.append(audited(answers, method, canaries=canaries, training_source=source))
    seconds = (time.perf_counter() - clock) / runs
    first, right = found[0], [run.right for run in found]
    print(
        f"one-run {method.name}, {engine}: flagged {sum(run.refuted for run in found)} of {runs}; right of "
        f"{first.guesses}: {min(right)} to {max(right)}; "
        f"lower bound {span([run.lower_bound for run in found])} (at most {first.ceiling:.3f}; unseen up to "
        f"a factor of {first.unseen_factor:.1f}); {seconds:.1f} s a run",
        flush=True,
    )


def membership(name: str) -> None:
    """Invented patients with labels by chance, with noise and without."""
    for engine, source in (("intact", SecureNoise()), ("noise off", Silent())):
        found = []
        for _ in range(BROKEN_RUNS):
            with store() as answers:
                found.append(told_apart(answers, name, source, PATIENTS))
        print(
            f"membership {name}, {engine}: AUC {span([f.auc for f in found])}; "
            f"TPR at 1 % FPR {span([f.tpr_at_low_fpr for f in found])}; "
            f"lower bound {span([f.claim_test.lower_bound for f in found])}",
            flush=True,
        )


def inversion(images: int, epsilons: Sequence[float]) -> None:
    """Invented images of three classes."""
    search = Search()
    assert INVENTED.classes == CLASSES
    for epsilon in epsilons:
        clock = time.perf_counter()
        found = audit_inversion(Claim(epsilon, DELTA), INVENTED, images, search)
        for kind in UPDATE_KINDS:
            ones = [one.found[kind] for one in found]
            print(
                f"inversion at epsilon {epsilon:g}, {kind}: SSIM {span([o.ssim for o in ones])}, "
                f"PSNR {span([o.psnr for o in ones], 1)} dB, "
                f"unconcerned images up to {max(o.decoy_ssim for o in ones):.3f}; "
                f"recognised {sum(o.recognised for o in ones)} of {images}",
                flush=True,
            )
        print(f"  {(time.perf_counter() - clock) / (3 * images * search.restarts):.1f} s a search")


def span(values: list[float], digits: int = 3) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def main() -> None:
    """Try everything, or a part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("one-run", "membership", "inversion"))
    parser.add_argument("--method", choices=methods.NAMES)
    parser.add_argument("--runs", type=int, default=20, help="of the intact engine")
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0, 6.0], help="of inversion")
    parser.add_argument("--images", type=int, default=4, help="that are reconstructed")
    arguments = parser.parse_args()
    for name in (arguments.method,) if arguments.method else methods.NAMES:
        if arguments.only in (None, "one-run"):
            one_run(name, arguments.runs)
        if arguments.only in (None, "membership"):
            membership(name)
    if arguments.only in (None, "inversion"):
        inversion(arguments.images, arguments.epsilon)


if __name__ == "__main__":
    main()
