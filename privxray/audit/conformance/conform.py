"""The conformance audit of one method: train, compute again, test.

Tested in tests/unit/test_audit_conformance.py.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from privxray.audit.conformance.noise_tape import NoiseTape
from privxray.audit.conformance.probe_recomputed import recompute_probe
from privxray.audit.conformance.recomputed import Recomputed, Trained
from privxray.audit.conformance.residual_tests import residual_tests
from privxray.audit.conformance.verdict import EDGES, Check, Conformance
from privxray.audit.kept_answers import KeptAnswers
from privxray.errors import MalformedError
from privxray.learning.constants import MethodConstants
from privxray.learning.data import TrainingData
from privxray.learning.interface import AnyMethod, Drawing, Progress, Task
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import NoiseSource

_ROUNDING = 1e-3
"""Of a standard deviation: what float32 may add to the difference between an answer and its exact value."""

Recompute = Callable[[Trained[Any]], Recomputed]


@dataclass(frozen=True)
class ConformanceOrder:
    """What a conformance audit does.

    :ivar claim: what each training promises.
    :ivar noise: the noise scale of that promise.
    :ivar trainings: how many there are, each on fresh noise; more see smaller mistakes.
    """

    claim: Guarantee
    noise: float
    trainings: int


def recompute_for(method: AnyMethod) -> Recompute:
    """The second computation of a method; what it needs (torch, for dp-sgd) is imported now."""
    if method.name == "dp-sgd":
        from privxray.audit.conformance.sgd_recomputed import recompute_sgd

        return cast(Recompute, recompute_sgd)
    return cast(Recompute, recompute_probe)


def conform(
    method: AnyMethod,
    data: TrainingData,
    task: Task[MethodConstants],
    order: ConformanceOrder,
    source: NoiseSource,
    progress: Progress | None = None,
) -> Conformance:
    """Train on the same patients several times, and hold every answer against its exact value.

    :param source: where the trainings' noise comes from; every draw is recorded.
    :param progress: told how many trainings are done.
    """
    recompute, found, checks = recompute_for(method), [], []
    charged = method.round_events(task.constants, order.noise)
    for number in range(order.trainings):
        try:
            trained = _train(method, data, task, order.noise, source)
        except MalformedError as error:
            unreadable = Check("Every answer is finite and can be read", error.what)
            return _stopped(order, number + 1, unreadable)
        wanted = sum(event.count for event in charged)
        if len(trained.answers) != wanted:
            missing = f"{len(trained.answers)} answers were given, and {wanted} are charged"
            return _stopped(order, number + 1, Check("Each answer that is charged is given", missing))
        again = recompute(trained)
        found.append(again)
        checks.append(list(_checks(trained, again, charged, order.claim)))
        if progress:
            progress(number + 1, order.trainings)
    noise = np.concatenate([block.noise.ravel() for again in found for block in again.blocks])
    return Conformance(
        claim=order.claim,
        trainings=order.trainings,
        values=len(noise),
        histogram=np.histogram(noise, EDGES)[0],
        checks=[next((one for one in same if one.fault), same[0]) for same in zip(*checks, strict=True)],
        tests=residual_tests(found),
    )


def _stopped(order: ConformanceOrder, trainings: int, fault: Check) -> Conformance:
    """What is found of answers that can't be computed again."""
    return Conformance(order.claim, trainings, 0, [fault], [])


def _train(
    method: AnyMethod,
    data: TrainingData,
    task: Task[MethodConstants],
    noise: float,
    source: NoiseSource,
) -> Trained[MethodConstants]:
    """One training exactly as a round is trained, with what it saved, drew and gave."""
    tape = NoiseTape(source)
    with tempfile.TemporaryDirectory() as folder:
        store = KeptAnswers(Path(folder) / "answers", os.urandom(32))
        vector = method.train(data, task, Drawing(noise, tape, store))
        latest = store.latest()
        answers = [store.answer(index) for index in range(0 if latest is None else latest + 1)]
    return Trained(data, task, noise, answers, vector, tape)


def _checks(
    trained: Trained[MethodConstants], again: Recomputed, charged: Sequence[Event], claim: Guarantee
) -> Iterator[Check]:
    yield Check("What leaves follows from the noisy answers, bit for bit", _other_vector(trained, again))
    yield Check("The noise in the answers is what was drawn", _other_noise(trained.tape, again))
    yield Check("Each step goes by its noisy answer", "; ".join(again.faults[:3]))
    yield Check("The ledger is charged for this noise", _other_charge(charged, again))
    if all(rate == 1.0 for _, rate in again.charges):
        yield Check("The noise keeps the claim, by the closed form", _above_claim(again, claim))


def _other_vector(trained: Trained[MethodConstants], again: Recomputed) -> str:
    """The tensors that leave and do not follow from the noisy answers."""
    vector = trained.vector
    if set(vector) != set(again.vector):
        return "other tensors leave than the method has"
    wrong = [name for name, values in again.vector.items() if not np.array_equal(vector[name], values)]
    return f"{', '.join(wrong)} can't be computed from them" if wrong else ""


def _other_noise(tape: NoiseTape, again: Recomputed) -> str:
    """Whether exact value plus drawn noise is the answer, in claimed standard deviations."""
    left = [block.noise.ravel() for block in again.blocks]
    drawn = tape.gaussians()
    if len(drawn) != sum(map(len, left)):
        return f"{len(drawn)} values were drawn for {sum(map(len, left))} numbers"
    scaled = np.concatenate([part * std for part, std in zip(left, _deviations(again), strict=True)])
    apart = np.abs(scaled - drawn) / np.repeat(_deviations(again), [len(part) for part in left])
    worst = float(apart.max(initial=0.0))
    return f"they differ by up to {worst:.3g} standard deviations" if not worst <= _ROUNDING else ""


def _deviations(again: Recomputed) -> list[float]:
    return [block.deviation for block in again.blocks]


def _other_charge(charged: Sequence[Event], again: Recomputed) -> str:
    """Whether the events of a round name the noise that every answer should have."""
    events = sorted((event.noise, event.q) for event in charged for _ in range(event.count))
    wanted = sorted(again.charges)
    if len(events) == len(wanted) and np.allclose(events, wanted, rtol=1e-9, atol=0.0):
        return ""
    return f"{len(events)} answers are charged, for {len(wanted)} with another noise"


def _above_claim(again: Recomputed, claim: Guarantee) -> str:
    """Whether Gaussian noise of these sizes keeps the claim: Balle and Wang 2018, theorem 8.

    All answers together are one Gaussian mechanism with mu^2 = sum of 1 / noise^2 (Dong, Roth and Su 2022,
    corollary 3.3).
    """
    from scipy.special import ndtr

    mu, epsilon = math.sqrt(math.fsum(noise**-2 for noise, _ in again.charges)), claim.epsilon
    delta = float(ndtr(mu / 2.0 - epsilon / mu) - math.exp(epsilon) * ndtr(-mu / 2.0 - epsilon / mu))
    return "" if delta <= claim.delta * (1.0 + 1e-6) else f"its delta is {delta:.3g} at epsilon {epsilon:g}"
