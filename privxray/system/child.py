"""A child process: what it is told of its surroundings, and how much it may say.

Tested in tests/unit/test_inference_sandbox.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

_KEPT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
)


@dataclass(frozen=True)
class Said:
    """How a child ended.

    :ivar code: its exit code; below 0 the signal that ended it.
    :ivar output: what it wrote, and of more than it may write one byte too many.
    """

    code: int
    output: bytes


def environment(**more: str) -> dict[str, str]:
    """The variables with which a child finds the same packages; none of them leads to a passphrase.

    :param more: further ones.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | more


def run(
    command: Sequence[str], variables: Mapping[str, str], given: bytes, most: int, seconds: float
) -> Said:
    """Run a child that may not be trusted. It is ended as soon as it says too much, or takes too long.

    No more than that is held in memory, whatever the child writes. What it says of errors is not read.

    :param variables: of :func:`environment`.
    :param given: what it reads.
    :param most: bytes that it may write.
    :param seconds: how long it may take, by the clock.
    :raises TimeoutError: it took longer.
    """
    late = threading.Event()

    def end(process: subprocess.Popen[bytes]) -> None:
        late.set()
        process.kill()

    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(variables),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(seconds, end, [process])
        writer = threading.Thread(target=_give, args=(process.stdin, given))
        timer.start()
        writer.start()
        try:
            output = process.stdout.read(most + 1)
            if len(output) > most:
                process.kill()
            process.wait()
        finally:
            timer.cancel()
            process.kill()
            writer.join()
    if late.is_set():
        raise TimeoutError
    return Said(process.returncode, output)


def _give(target: IO[bytes], data: bytes) -> None:
    with suppress(OSError), target:  # a child that has ended reads no more
        target.write(data)
