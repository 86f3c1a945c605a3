"""What proofs of bounds cost: seconds of processor time to make and to check them, and bytes of an update.

    python tests/benchmarks/bound_proofs.py [--classes 3] [--hospitals 1 3 10 50] [--runs 3]

Vectors are those of the default recipe. Processor seconds of this process, all threads together, medians of
the runs; with two processors the wait for multiplications is about half as long. A commitment of the same run
stands beside them.
"""

from __future__ import annotations

import argparse
import dataclasses
import os

import numpy as np
from processor_time import seconds

from privxray.exchange.bounds.bound_proof import Claim, subject
from privxray.exchange.bounds.checking import out_of_bounds
from privxray.exchange.bounds.making import prove_bounds
from privxray.exchange.bounds.statement import Statement, statement_of
from privxray.exchange.commitments.group import ORDER, generators
from privxray.exchange.commitments.pedersen import commit
from privxray.exchange.masking.fixed_point import quantise
from privxray.learning.linear_probe.linear_probe_method import LinearProbe

PROBE = LinearProbe()
CONSTANTS = PROBE.new_constants({"n_max": 1000, "weight_cap": 181.0})


def scalars(classes: list[str], seed: int) -> list[int]:
    """A head such as hospitals of some 100 patients make, and a blinding factor."""
    chance = np.random.default_rng(seed)
    counts = chance.uniform(10, 50, len(classes))
    n, dim = counts.sum(), CONSTANTS.feature_dim
    centre = chance.normal(0, 1, dim)
    vector = {
        "weights": n * np.clip(chance.normal(0, 2, (len(classes), dim + 1)), -8, 8),
        "centre": n * centre / np.linalg.norm(centre),
        "counts": counts,
    }
    numbers = quantise(vector, PROBE.manifest(CONSTANTS, classes), 64).view("<i8").tolist()
    return [*(number % ORDER for number in numbers), int.from_bytes(os.urandom(31), "big")]


def claimed(statement: Statement, vector: list[int]) -> Claim:
    about, point = subject("ab" * 32, os.urandom(32).hex()), commit(vector)
    return Claim(about, point, prove_bounds(statement, vector, about, point))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classes", type=int, default=3)
    parser.add_argument("--hospitals", type=int, nargs="+", default=[1, 3, 10, 50])
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    classes = [f"class {number}" for number in range(chosen.classes)]
    bounds = PROBE.bounds(CONSTANTS)
    statement = statement_of(PROBE.manifest(CONSTANTS, classes), bounds.total, bounds.times)
    generators(statement.length)  # they are made once a process
    vector = scalars(classes, 0)
    one = claimed(statement, vector)
    print(f"{statement.size} numbers; what the sums of rows tell: 2^-{statement.hiding}")
    print(f"a commitment: {seconds(lambda: commit(vector), chosen.runs):.3f} s")
    made = seconds(lambda: prove_bounds(statement, vector, one.about, one.commitment), chosen.runs)
    print(f"a proof: {made:.3f} s, {len(one.proof.to_base64()):,} characters")
    claims = {seed: claimed(statement, scalars(classes, seed)) for seed in range(max(chosen.hospitals))}
    for number in chosen.hospitals:
        some = {seed: claims[seed] for seed in range(number)}
        taken = seconds(lambda some=some: out_of_bounds(statement, some), chosen.runs)
        print(f"checking {number}: {taken:.3f} s")
        other = dataclasses.replace(some[number - 1], about=subject("cd" * 32, "ef" * 32))
        named = seconds(
            lambda wrong={**some, number - 1: other}: out_of_bounds(statement, wrong), chosen.runs
        )
        print(f"checking {number}, of which the last is wrong: {named:.3f} s")


if __name__ == "__main__":
    main()
