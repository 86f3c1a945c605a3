"""How hard the encryption of encrypted inference is to break, and the rest of its argument in numbers.

    python tests/benchmarks/lattice.py                       seconds
    SAGE tests/benchmarks/lattice.py --estimator FOLDER      some ten minutes (--short: five)

The first needs no more than privxray. The second runs the lattice estimator (Albrecht, Player and Scott 2015,
"On the concrete hardness of Learning with Errors"; https://github.com/malb/lattice-estimator), which lies in
FOLDER. SAGE is a Python that has Sage and numpy:

    python -m venv sage; sage/bin/pip install passagemath-standard-no-symbolics passagemath-symbolics

Its figures are log2 of operations ("rop"), by three models of what lattice reduction costs: MATZOV 2022, the
estimator's default, which counts gates; and core-SVP (Alkim et al. 2016), classical and quantum, which counts
a single call of a sieve and nothing else. The lines of the standard and ML-KEM stand beside ours, by the same
models. docs/adr/0155 has the results and what follows from them.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit")]

from lattice_sizes import (  # noqa: E402 - found through the line above
    CLASSICAL,
    LOUDEST,
    QUANTUM,
    block_size,
    question,
    result,
    room,
    wrong,
)

from privxray.inference.drawn import ERROR_BITS  # noqa: E402
from privxray.inference.parameters import DEGREE, MAX_IMAGES, PRIMES, Layout  # noqa: E402
from privxray.inference.terms import (  # noqa: E402
    MAX_LIMIT,
    MOST_BY_DEFAULT,
    Leak,
    answer_noise,
    bits_of_a_score,
)

CLASSES = 3
KNOWN = 40
"""Coefficients of a secret that an answer of 64 bits would spell, were no noise in it (docs/adr/0146)."""
PATIENCE = 900
"""Seconds for one attack of the estimator."""


def hardness() -> None:
    """Core-SVP by the primal attack, and how many samples there are for it."""
    print("Core-SVP, primal attack, in bits (and what a quantum computer would take):")
    for name, lwe in {
        "a hospital's secret, up to 3 decimals, 1 image": question(2),
        f"a hospital's secret, up to 3 decimals, {MAX_IMAGES} images": question(2, MAX_IMAGES),
        "the secret of a result, up to 3 decimals": result(2),
        "a hospital's secret, 4 to 6 decimals, 1 image": question(3),
        f"a hospital's secret, 4 to 6 decimals, {MAX_IMAGES} images": question(3, MAX_IMAGES),
        "the secret of a result, 4 to 6 decimals": result(3),
    }.items():
        block = block_size(lwe)
        print(
            f"  {name}: block {block}, {CLASSICAL * block:.1f} ({QUANTUM * block:.1f}),"
            f" {lwe.samples:,} samples"
        )


def honest(layout: Layout) -> None:
    """What an honest answer is off by, and when it would not decrypt."""
    off, noise = wrong(layout), answer_noise(layout.decimals) * layout.score_scale
    name = f"  {layout.decimals} decimals, range {layout.score_range:,}, {layout.features:,} features"
    refused = math.erfc(12 / math.hypot(1, off.usual / noise) / math.sqrt(2))
    numbers = MOST_BY_DEFAULT * layout.classes
    close = math.sqrt(numbers) / 2 * off.of_weights / noise
    print(
        f"{name}: noise {noise:.3g} units; off by {off.usual:.3g} ({100 * off.usual / noise:.1g} %), at most"
        f" {off.most:.3g} of {room(layout):.3g}; refused by chance {refused:.0e}; the weights' part"
        f" {off.of_weights:.3g}, statistical distance of {numbers} numbers at most {close:.1e};"
        f" {bits_of_a_score(layout.decimals, layout.score_range):.1f} bits a number"
    )


def rest() -> None:
    """Several answers, and seeds that are chosen."""
    for decimals in (1, 3, 6):
        leak = Leak(296, CLASSES, decimals, 16)
        limit = leak.limit() or 0
        print(
            f"  296 features, {CLASSES} classes, range 16, {decimals} decimals: {limit} images,"
            f" {limit * leak.answer_bits:.0f} of {leak.model_bits:.0f} bits; an attack on any one of"
            f" {limit * CLASSES} secrets gains at most {math.log2(limit * CLASSES):.1f} bits"
        )
    print(f"  at the highest limit, {MAX_LIMIT:,} images: {math.log2(MAX_LIMIT * CLASSES):.1f} bits")
    for primes in (2, 3):
        # Pairs (f, g) of coefficients of up to b bits and sign, of which a f = g; of all polynomials a.
        modulus = math.log2(math.prod(PRIMES[:primes]))
        short = modulus / 2 - 2
        chance = DEGREE * (2 * (short + 1) - modulus)
        print(
            f"  {32 * primes} bits: the lattice of a polynomial out of a seed has a vector below"
            f" 2^{short:.0f}, a quarter of the usual, with a chance of at most 2^{chance:.0f}"
        )


def bounds() -> None:
    """All that needs no Sage."""
    hardness()
    print(f"An honest answer (its noise is never above {LOUDEST} standard deviations):")
    for decimals, size, features in (
        (1, 16, 296),
        (3, 16, 296),
        (3, 1024, 4096),
        (6, 16, 296),
        (6, 1024, 4096),
    ):
        honest(Layout(features, CLASSES, decimals, size))
    print("Several answers, and seeds:")
    rest()


class TooLongError(Exception):
    """An attack took more than :data:`PATIENCE`."""


def estimates(folder: Path, short: bool) -> None:
    """The lattice estimator's figures.

    :param short: without ``bdd_hybrid``, which takes a minute each time and is tried on ours alone.
    """
    sys.path.insert(0, str(folder))
    import sage.all  # type: ignore[import-not-found] # noqa: F401 - before the estimator, which takes names from it
    from estimator import LWE, ND, schemes  # type: ignore[import-not-found]
    from estimator.lwe_parameters import LWEParameters  # type: ignore[import-not-found]
    from estimator.reduction import ADPS16, MATZOV  # type: ignore[import-not-found]

    ternary, error = ND.Uniform(-1, 1), ND.CenteredBinomial(ERROR_BITS)
    rounded = ND.DiscreteGaussian(math.sqrt(1 / 12))

    def ours(tag: str, primes: int, samples: int, known: int = 0, noise: Any = error) -> Any:
        modulus = math.prod(PRIMES[:primes])
        return LWEParameters(n=DEGREE - known, q=modulus, Xs=ternary, Xe=noise, m=samples, tag=tag)

    most = (1 + MAX_IMAGES) * DEGREE
    instances = [
        ours("64 bits: up to 3 decimals", 2, DEGREE),
        ours("96 bits: 4 to 6 decimals", 3, DEGREE),
        ours(f"64 bits, {KNOWN} coefficients known", 2, DEGREE, KNOWN),
        ours(f"96 bits, {KNOWN} coefficients known", 3, DEGREE, KNOWN),
        ours("64 bits, a result as it travels", 1, DEGREE, 0, rounded),
        ours("96 bits, a result as it travels", 2, DEGREE, 0, rounded),
        ours(f"64 bits, {MAX_IMAGES} images", 2, most),
        ours(f"96 bits, {MAX_IMAGES} images", 3, most),
        LWEParameters(
            n=DEGREE, q=2**75, Xs=ternary, Xe=ND.DiscreteGaussian(3.19), tag="the standard's 192 bits"
        ),
        LWEParameters(
            n=DEGREE, q=2**109, Xs=ternary, Xe=ND.DiscreteGaussian(3.19), tag="the standard's 128 bits"
        ),
        schemes.Kyber512,
        schemes.Kyber768,
        schemes.Kyber1024,
    ]
    models = {"MATZOV": MATZOV(), "core-SVP": ADPS16(), "quantum core-SVP": ADPS16(mode="quantum")}
    quick: dict[str, Callable[..., Any]] = {
        "usvp": LWE.primal_usvp,
        "bdd": LWE.primal_bdd,
        "dual_hybrid": LWE.dual_hybrid,
    }
    slow = {"dual": LWE.dual, "bdd_hybrid": partial(LWE.primal_hybrid, mitm=False, babai=False)}
    signal.signal(signal.SIGALRM, _give_up)
    for number, instance in enumerate(instances):
        for model, cost in models.items():
            for name, attack in (quick | slow if number < 2 and not short else quick).items():
                _estimate(instance, f"{model} | {name}", partial(attack, instance, red_cost_model=cost))
    for instance in instances[6:8]:
        _estimate(instance, "algebra | arora-gb", partial(LWE.arora_gb, instance))
        _estimate(instance, "combinatorics | bkw", partial(LWE.coded_bkw, instance))


def _give_up(*_: object) -> None:
    raise TooLongError


def _estimate(instance: Any, what: str, attack: Callable[[], Any]) -> None:
    began = time.process_time()
    signal.alarm(PATIENCE)
    try:
        told = repr(attack())
    except TooLongError:
        told = f"no answer in {PATIENCE} s"
    except (
        ArithmeticError,
        RuntimeError,
        ValueError,
        TypeError,
    ) as error:  # of Sage, where a model has no answer
        told = f"no answer: {str(error)[:80]}"
    finally:
        signal.alarm(0)
    print(f"| {instance.tag} | {what} | {told} | {time.process_time() - began:.0f} s |", flush=True)


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--estimator", type=Path, help="folder of the lattice estimator")
    parser.add_argument("--short", action="store_true", help="without bdd_hybrid")
    options = parser.parse_args()
    if options.estimator:
        os.nice(15)
        estimates(options.estimator, options.short)
    else:
        bounds()


if __name__ == "__main__":
    main()
