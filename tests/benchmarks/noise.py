"""How fast noise for a network is drawn, and how its far tail compares with a Gaussian's.

    python tests/benchmarks/noise.py [--parameters 11200000] [--repeats 5] [--values 1000000000]

Seconds a draw, one thread and all; then the values beyond each threshold beside the number expected.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from unittest import mock

import numpy as np
from scipy import stats

from privxray.privacy import noise
from privxray.privacy.noise import SecureNoise

THRESHOLDS = (4.0, 4.5, 5.0, 5.5, 6.0)
BATCH = 1 << 23


def seconds(parameters: int, repeats: int) -> dict[str, float]:
    """The time of one draw of this many values: the median, and the least, for other work disturbs."""
    taken = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        SecureNoise().gaussian((parameters,), 1.0)
        taken.append(time.perf_counter() - started)
    return {"median": round(statistics.median(taken[1:]), 2), "least": round(min(taken[1:]), 2)}


def tail(values: int) -> list[dict[str, float]]:
    """How many of this many values lie beyond each threshold, and the two-sided p-value of that number."""
    counts = dict.fromkeys(THRESHOLDS, 0)
    batches = math.ceil(values / BATCH)
    for _ in range(batches):
        largest = np.abs(SecureNoise().gaussian((BATCH,), 1.0))
        largest = largest[largest > THRESHOLDS[0]]
        for threshold in THRESHOLDS:
            counts[threshold] += int((largest > threshold).sum())
    rows = []
    for threshold, count in counts.items():
        expected = batches * BATCH * 2 * stats.norm.sf(threshold)
        p = min(1.0, 2 * min(stats.poisson.cdf(count, expected), stats.poisson.sf(count - 1, expected)))
        rows.append({"beyond": threshold, "found": count, "expected": round(expected, 1), "p": round(p, 3)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parameters", type=int, default=11_200_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--values", type=int, default=1_000_000_000)
    args = parser.parse_args()
    every = seconds(args.parameters, args.repeats)
    with mock.patch.object(noise, "_processors", return_value=1):
        one = seconds(args.parameters, args.repeats)
    result = {
        "parameters": args.parameters,
        "processors": noise._processors(),
        "seconds_all_processors": every,
        "seconds_one_thread": one,
        "tail": tail(args.values) if args.values else [],
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
