"""A pool of worker processes that survives what files do to them.

Why not :mod:`multiprocessing`? Its pools hang or break as a whole when a worker dies, its messages are
pickles, and it imports the caller's main module again. Here a worker is a child process with two pipes that
carry lines of JSON (:mod:`privxray.deid.workers.worker_loop` is its end of them). Tasks are sent a few ahead,
and outcomes come back in the same order. So when a worker dies, it is known which file it was reading. That
file gets an outcome that says so, the tasks behind it go to a new worker, and the run goes on. A thread for
each worker reads its pipe, for Windows can't wait for several pipes at once.

Memory: the pool holds a few tasks for each worker.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Final, TypeVar, cast

T = TypeVar("T")

AHEAD: Final = 8
"""Tasks that a worker has in its pipe: enough to keep it busy, too few to fill the pipe."""

MOST_WORKERS: Final = 8
"""More processes than this are started only if a person asks for them."""

CRASHED: Final = "the process that read it ended without an answer"
STUCK: Final = "the process that read it gave no answer for too long"

_BOOT: Final = (
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).main()"
)


def worker_count(wanted: int | None = None) -> int:
    """How many worker processes to start.

    :param wanted: what the user typed; without it, one for each processor, at most :data:`MOST_WORKERS`.
    """
    return wanted or min(os.cpu_count() or 1, MOST_WORKERS)


class Pool:
    """Runs tasks in worker processes. It is a context manager; at its end the workers are gone.

    :param jobs: how many workers. :param module: its function ``main`` is what a worker runs.
    :param setup: messages that every worker gets before its first task, one that replaces a dead one too.
    :param patience: seconds without an outcome after which a worker counts as stuck.
    """

    def __init__(self, jobs: int, module: str, *setup: dict[str, Any], patience: float) -> None:
        self._setup = list(setup)
        self._module = module
        self._patience = patience
        self._arrived: queue.SimpleQueue[tuple[_Worker, bytes]] = queue.SimpleQueue()
        self._jobs = jobs
        self._workers: list[_Worker] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end()

    def tell(self, message: dict[str, Any]) -> None:
        """Give every worker a further message that sets it up; no task may be under way."""
        self._setup.append(message)
        for worker in self._workers:
            worker.send(message)

    def run(self, tasks: Iterable[tuple[T, dict[str, Any]]]) -> Iterator[tuple[T, dict[str, Any] | str]]:
        """The outcomes as they come, each with its task's key.

        :param tasks: pairs of a key, which is given back, and a message.
        :returns: pairs of the key and the worker's answer; in its place a fixed text if there is none, which
            says why.
        """
        waiting = iter(tasks)
        again: deque[tuple[T, dict[str, Any]]] = deque()  # tasks that a dead worker had not begun
        while len(self._workers) < self._jobs:
            self._workers.append(self._start())
        while True:
            for worker in self._workers:
                self._feed(worker, waiting, again)
            if not any(worker.under_way for worker in self._workers):
                return
            for worker, data in self._arrivals():
                for outcome in worker.receive(data):
                    yield worker.under_way.popleft()[0], outcome
                if worker.ended:
                    yield from self._replace(worker, again, CRASHED)
            for worker in list(self._workers):
                if worker.under_way and time.monotonic() - worker.heard > self._patience:
                    yield from self._replace(worker, again, STUCK)

    def _arrivals(self) -> Iterator[tuple[_Worker, bytes]]:
        """What workers have sent; waits a second for it if there is nothing yet."""
        try:
            arrival = self._arrived.get(timeout=1.0)
            while True:
                if arrival[0] in self._workers:  # else it was replaced meanwhile
                    yield arrival
                arrival = self._arrived.get_nowait()
        except queue.Empty:
            return

    def _feed(self, worker: _Worker, waiting: Iterator[Any], again: deque[Any]) -> None:
        while len(worker.under_way) < AHEAD and not worker.ended:
            task = again.popleft() if again else next(waiting, None)
            if task is None:
                return
            if not worker.under_way:
                worker.heard = time.monotonic()
            worker.under_way.append(task)
            worker.send(task[1])

    def _replace(self, worker: _Worker, again: deque[Any], why: str) -> Iterator[tuple[Any, str]]:
        worker.end()
        self._workers.remove(worker)
        if worker.under_way:
            yield worker.under_way.popleft()[0], why
        again.extend(worker.under_way)
        worker.under_way.clear()
        self._workers.append(self._start())

    def _start(self) -> _Worker:
        worker = _Worker(self._module, self._arrived)
        for message in self._setup:
            worker.send(message)
        return worker


class _Worker:
    def __init__(self, module: str, arrived: queue.SimpleQueue[tuple[_Worker, bytes]]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, json.dumps(sys.path), module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback might quote a file
        )
        self._tasks = cast(IO[bytes], self._process.stdin)
        self._outcomes = cast(IO[bytes], self._process.stdout)
        self._half = bytearray()
        self.under_way: deque[Any] = deque()
        self.heard = time.monotonic()
        self.ended = False
        self._arrived = arrived
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Hand on what the process writes, and an empty piece at its end."""
        data = b"more"
        while data:
            data = os.read(self._outcomes.fileno(), 1 << 16)
            self._arrived.put((self, data))

    def send(self, message: dict[str, Any]) -> None:
        with suppress(OSError):  # a dead worker is noticed when its outcomes end
            self._tasks.write(json.dumps(message).encode("ascii") + b"\n")
            self._tasks.flush()

    def receive(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The outcomes that are whole with these bytes; sets ``ended`` when there will be no more."""
        self.ended = not data
        self.heard = time.monotonic()
        if b"\n" not in data:
            self._half += data
            return
        *lines, rest = (bytes(self._half) + data).split(b"\n")
        self._half = bytearray(rest)
        for line in lines:
            yield json.loads(line)

    def end(self) -> None:
        self._process.kill()
        with suppress(OSError):
            self._tasks.close()
        self._process.wait()
        self._reader.join()  # its pipe has ended with the process
        self._outcomes.close()
