"""Seconds of processor time, for benchmarks beside which other work goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

RUNS = 3


def seconds(task: Callable[[], Any], runs: int = RUNS) -> float:
    """What a task takes of this process, all threads together: the median of some runs."""
    taken = []
    for _ in range(runs):
        start = time.process_time()
        task()
        taken.append(time.process_time() - start)
    return median(taken)
