"""What a sum that hospitals can check costs: seconds of commitments and proofs, and bytes of updates.

    python tests/benchmarks/commitments.py [--numbers 1190] [--hospitals 3 10 50] [--unproven]

Processor seconds of this process, all threads together, so that other work on the machine disturbs them
little; with two processors the wait is about half as long. Medians of three runs (``aggregate``: one).
With ``--unproven`` updates have no proofs of their bounds.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path += [str(Path(__file__).parents[1] / "unit")]

from committed_round import FORM, CommittedRound
from exchange_samples import Hospital, Study
from processor_time import seconds

from privxray.exchange.admission.admit_proof import admit_proof, prove
from privxray.exchange.commitments.pedersen import commit
from privxray.exchange.messages.proof import open_proof
from privxray.formats.container import split
from privxray.formats.tensors import TensorSpec


class LongStudy(Study):
    """A study whose vectors have as many numbers as its manifest says."""

    def vector(self, seed: int) -> dict[str, np.ndarray]:
        chance = np.random.default_rng(seed)
        return {spec.name: chance.normal(0, 10, spec.shape) for spec in self.plan.manifest}


def measured(numbers: int, hospitals: int, *, proven: bool) -> dict[str, float]:
    study = LongStudy(3)
    study.hospitals = [Hospital(f"hospital-{number:03d}") for number in range(hospitals)]
    manifest = (TensorSpec(name="weights", shape=(numbers,), bound=100.0, fraction_bits=20),)
    form = {**FORM, "features": ("bound-proofs", "commitments")} if proven else FORM
    study.plan = study.make_plan(**form, manifest=manifest)
    commit([1] * (numbers + 1))  # the generators are made once a process
    made = CommittedRound(study=study)
    updates = made.updates()
    opened = made.opened(updates)
    proof = made.proof(updates, opened)
    own = study.hospitals[0]
    envelope = split(proof)

    def check() -> None:
        header = admit_proof(envelope, made.signed)
        content = open_proof(header, proof[envelope.length :], made.signed, own.identity)
        prove(header, content, made.signed, split(updates[own.fingerprint]).digest)

    return {
        "commitment": seconds(lambda: commit([2**251 + 5] * (numbers + 1))),
        "export": seconds(lambda: made.send(own)),
        "aggregate": seconds(lambda: made.opened(updates), 1),
        "verify": seconds(check),
        "update_bytes": len(updates[own.fingerprint]),
        "proof_bytes": len(proof),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--numbers", type=int, default=1190)
    parser.add_argument("--hospitals", type=int, nargs="+", default=[3, 10, 50])
    parser.add_argument("--unproven", action="store_true")
    chosen = parser.parse_args()
    print("| hospitals | one commitment | export | aggregate | verify | update | proof |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for hospitals in chosen.hospitals:
        f = measured(chosen.numbers, hospitals, proven=not chosen.unproven)
        print(
            f"| {hospitals} | {f['commitment']:.3f} s | {f['export']:.2f} s | {f['aggregate']:.2f} s "
            f"| {f['verify']:.2f} s | {f['update_bytes'] / 1000:.1f} kB | {f['proof_bytes'] / 1000:.1f} kB |"
        )


if __name__ == "__main__":
    main()
