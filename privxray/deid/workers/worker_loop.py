"""What runs inside a worker process: the other end of the pipes of :mod:`privxray.deid.workers.worker_pool`.

One line of JSON is one message. A worker answers each task with one line, in the order of the tasks, and does
not answer a message that only sets it up. It ignores Ctrl-C, which a terminal sends to every process: it ends
when its stdin ends, so it cannot outlive the process that started it. It writes nothing to stderr, where a
file's values could be quoted. Tested in tests/unit/test_deid_pool.py.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

from privxray.system import limits

MEMORY: Final = 8 << 30
"""Bytes that a worker may take on Windows. The largest image that is read takes less than half of it."""


def serve(handle: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Hand each message on stdin to ``handle`` and write its answers to stdout, until stdin ends.

    :param handle: gives the answer to a task, as JSON, and None for a message that sets the worker up.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limits.limit_worker(MEMORY)
    answers = sys.stdout.buffer
    for line in sys.stdin.buffer:
        answer = handle(json.loads(line))
        if answer is not None:
            answers.write(json.dumps(answer, separators=(",", ":")).encode("ascii") + b"\n")
            answers.flush()
