"""How long it takes to compose a hospital's past: 200 rounds, each with its own noise and sampling rate.

    python tests/benchmarks/accounting.py [--rounds 200] [--seed 7] [--reference]

``--reference`` composes the same with dp-accounting's own classes, one after another.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from privxray.privacy import accountant, affordable, losses
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee

DELTA = 1e-5
MIXES = {
    "noise 3 to 12, q .05 to .3, 5 to 40 steps": ((3, 12), (0.05, 0.3), (5, 40)),
    "noise .8 to 1.6, q .01 to .1, 1 to 3 steps": ((0.8, 1.6), (0.01, 0.1), (1, 4)),
    "noise 1 to 4, q .001 to .02, 50 to 1,000 steps": ((1, 4), (0.001, 0.02), (50, 1001)),
}


def timed(what: str, work: Callable[[], float]) -> None:
    start = time.process_time()
    value = work()
    print(f"  {what:34} {value:12.6g} {time.process_time() - start:7.2f} s")


def by_dp_accounting(events: list[Event]) -> float:
    from dp_accounting.pld import privacy_loss_distribution as reference

    total = None
    for event in events:
        part = reference.from_gaussian_mechanism(
            event.noise, value_discretization_interval=losses.STEP, sampling_prob=event.q
        ).self_compose(event.count)
        total = part if total is None else total.compose(part)
    assert total is not None
    return float(total.get_epsilon_for_delta(DELTA))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--reference", action="store_true")
    asked = parser.parse_args()
    accountant.epsilon([Event(kind="poisson-gaussian", noise=2.0, q=0.5)], DELTA)  # imports
    for name, (noise, q, steps) in MIXES.items():
        random = np.random.default_rng(asked.seed)
        past = [
            Event(
                kind="poisson-gaussian",
                noise=float(random.uniform(*noise)),
                q=float(random.uniform(*q)),
                count=int(random.integers(*steps)),
            )
            for _ in range(asked.rounds)
        ]
        print(f"{asked.rounds} rounds, {name}, seed {asked.seed}")
        losses.gaussian.cache_clear()
        timed("epsilon of all", lambda past=past: accountant.epsilon(past, DELTA))  # type: ignore[misc]
        timed("the same, replace-one", lambda past=past: accountant.epsilon(past, DELTA, replace_one=True))  # type: ignore[misc]
        timed("sum of each alone", lambda past=past: sum(accountant.epsilon([e], DELTA) for e in past))  # type: ignore[misc]
        room = {"limit": Guarantee(20.0, DELTA), "past": past}
        timed("epsilon left below 20", lambda room=room: affordable.largest_epsilon(**room))  # type: ignore[misc]
        timed("steps left of noise 1, q .01", lambda room=room: affordable.most_steps(1.0, 0.01, **room))  # type: ignore[misc]
        if asked.reference:
            timed("epsilon of all, dp-accounting", lambda past=past: by_dp_accounting(past))  # type: ignore[misc]


if __name__ == "__main__":
    main()
