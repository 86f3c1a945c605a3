"""Evaluating a stranger's ciphertexts in a process of its own, with little memory, time and few files.

What reaches that process has passed :mod:`~privxray.inference.wire`, so this is the second line: whatever a
C++ library does with residues that nobody foresaw, it does in a child that can't take the machine's memory,
write a file of size or start a program's dump, and that holds no private key. It does hold the head: a child
that is taken over could send it to the hospital inside an answer of the right length.

The job is safetensors on stdin, the results are residues on stdout: numbers, nothing that can run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO

import numpy as np

from privxray.errors import MalformedError, SystemTroubleError
from privxray.formats.tensors import pack, unpack
from privxray.inference.owner import Evaluator, Head
from privxray.inference.parameters import Layout
from privxray.inference.scheme import Scheme
from privxray.inference.wire import Residues, read_answers, to_bytes

MEMORY = 1 << 30
"""Bytes of address space; the largest job (256 images, 50 classes) needs 0.4 GiB."""
FILE_BYTES = 64 << 20
OPEN_FILES = 64
START_SECONDS = 60
IMAGE_SECONDS = 5
"""Processor time for an image; a slow workstation needs less than one."""

_MODULE = "privxray.inference.sandbox"
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def evaluate(
    head: Head,
    keys: tuple[Residues, Residues],
    queries: Residues,
    *,
    noise: float,
    top1: bool,
) -> Residues:
    """Results of shape [N, results, 2, 1, 8192], computed in a child process.

    :param keys: public key and rotation keys of the hospital, checked by ``wire``.
    :param queries: [N, 2, 3, 8192], checked by ``wire``.
    :raises MalformedError: the library refused these ciphertexts or keys.
    :raises SystemTroubleError: the child was ended by a limit, or by the system.
    """
    job = pack(
        {
            "weights": head.weights,
            "offsets": head.offsets,
            "public": keys[0],
            "switching": keys[1],
            "queries": queries,
            "noise": np.array([noise]),
            "top1": np.array([top1], np.uint8),
        }
    )
    seconds = START_SECONDS + IMAGE_SECONDS * len(queries)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", _MODULE, str(seconds)],
            input=job,
            capture_output=True,
            timeout=4 * seconds,
            check=False,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise _ended("it took too long") from None
    if done.returncode == MalformedError.exit_code:
        raise MalformedError(
            "these ciphertexts or keys can't be computed with",
            advice="Ask the hospital for a new query with its keys: privxray infer ask --with-keys",
        )
    if done.returncode:
        raise _ended(f"code {done.returncode}")
    layout = Layout(head.weights.shape[1], head.weights.shape[0])
    try:
        return read_answers(done.stdout, len(queries), layout.results)
    except MalformedError:
        raise _ended("an impossible result") from None


def _ended(how: str) -> SystemTroubleError:
    return SystemTroubleError(
        f"the process that computes on encrypted images was ended ({how}); nothing was answered or counted",
        advice="Close other programs and type the command again; if it ends so again, refuse the query",
    )


def _environment() -> dict[str, str]:
    """What the child needs to find the same packages, and nothing that leads to a passphrase."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}


def _limit(seconds: int) -> None:
    import resource

    for what, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        try:
            resource.setrlimit(what, (limit, limit))
        except (ValueError, OSError):  # macOS knows no limit of address space
            if sys.platform == "linux":
                raise


def _work(source: IO[bytes], target: IO[bytes]) -> None:
    from privxray.privacy.noise import SecureNoise

    job = unpack(source.read())
    evaluator = Evaluator(
        Scheme(),
        Head(job["weights"], job["offsets"]),
        job["public"],
        job["switching"],
        noise=float(job["noise"][0]),
        top1=bool(job["top1"][0]),
        source=SecureNoise(),
    )
    for query in job["queries"]:
        target.write(to_bytes(*evaluator.answer(query)))


def _main() -> None:
    _limit(int(sys.argv[1]))
    try:
        _work(sys.stdin.buffer, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except MemoryError:
        os._exit(1)
    except (ValueError, RuntimeError, MalformedError):
        os._exit(MalformedError.exit_code)


if __name__ == "__main__":
    _main()
