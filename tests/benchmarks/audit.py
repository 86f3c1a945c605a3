"""What membership inference and gradient inversion find, with noise and without.

    python tests/benchmarks/audit.py [--only membership|inversion] [--method METHOD]

Prints, for docs/BENCHMARKS.md: AUC and TPR of membership inference; SSIM and PSNR of reconstructions. Nothing
is seeded. tests/benchmarks/audit_table.py has the other audits.
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

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from broken_engines import CLASSES, DELTA, Silent, told_apart

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
    parser.add_argument("--only", choices=("membership", "inversion"))
    parser.add_argument("--method", choices=methods.NAMES)
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0, 6.0], help="of inversion")
    parser.add_argument("--images", type=int, default=4, help="that are reconstructed")
    arguments = parser.parse_args()
    for name in (arguments.method,) if arguments.method else methods.NAMES:
        if arguments.only in (None, "membership"):
            membership(name)
    if arguments.only in (None, "inversion"):
        inversion(arguments.images, arguments.epsilon)


if __name__ == "__main__":
    main()
