"""The owner computes on a stranger's ciphertexts in a child process with little memory, time and few files.

What reaches the child has passed :mod:`~privxray.inference.wire`, so this is a second line of defence.
Whatever a C++ library does with residues that nobody foresaw, it does in a process that can't take the
machine's memory, write a large file or leave a core dump, and that holds no private key. It does hold the
head: a child that is taken over could send it to the hospital inside an answer of the right length.

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
from privxray.inference.owner_side import Head, HeadEvaluator
from privxray.inference.scheme import Scheme
from privxray.inference.terms import Terms, answer_noise
from privxray.inference.wire import EvaluationKeys, Residues, read_answers, to_bytes
from privxray.system import child
from privxray.system.limits import Limits, limit_this_process

MEMORY = 1 << 30
"""Bytes of address space; the largest job (256 images, 50 classes) needs 0.4 GiB."""
FILE_BYTES = 64 << 20
"""Bytes of any one file that the child writes."""
OPEN_FILES = 64
START_SECONDS = 60
"""Processor time to start, and to read the keys and the head."""
IMAGE_SECONDS = 5
"""Processor time for an image; a slow workstation needs less than one second."""

_NOTHING = "nothing was answered or counted"
_AGAIN = "Close other programs and type the command again; if that happens again, refuse the query"
_MODULE = "privxray.inference.sandbox"
_PATIENCE = 4
"""The child may take so many times its processor time, on a busy machine."""


def evaluate(
    head: Head, keys: EvaluationKeys, queries: Residues, terms: Terms, images: int | None = None
) -> Residues:
    """Results of shape [C, results, 2, 1, 8192], computed in a child process.

    :param keys: the hospital's, checked by ``wire``.
    :param queries: [C, 2, 3, 8192], checked by ``wire``.
    :param images: how many images are in them; by default every ciphertext is full.
    :raises MalformedError: the library refused these ciphertexts or keys.
    :raises SystemTroubleError: the child took too long, ended without an answer, or gave an impossible one.
    """
    job = pack(
        {
            "weights": head.weights,
            "offsets": head.offsets,
            "public": keys.public,
            "rotation": keys.rotation,
            "queries": queries,
            "images": np.array([len(queries) * head.layout.together if images is None else images]),
            "packed": np.array([head.packed], np.uint8),
            "decimals": np.array([terms.decimals]),
            "top1": np.array([terms.top1], np.uint8),
        }
    )
    seconds = START_SECONDS + IMAGE_SECONDS * len(queries)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", _MODULE, str(seconds)],
            input=job,
            capture_output=True,
            timeout=_PATIENCE * seconds,
            check=False,
            env=child.environment(OMP_NUM_THREADS="1"),
        )
    except subprocess.TimeoutExpired:
        raise SystemTroubleError(
            f"the computation on encrypted images took too long; {_NOTHING}",
            reason="inference.too-slow",
            advice=_AGAIN,
        ) from None
    if done.returncode == MalformedError.exit_code:
        raise MalformedError(
            f"this query's ciphertexts or keys can't be used; {_NOTHING}",
            reason="query.not-computable",
            advice="Ask the hospital for a new query with its keys: privxray infer ask IMAGE... --with-keys",
        )
    if done.returncode:
        raise SystemTroubleError(
            f"the computation on encrypted images ended early (code {done.returncode}); {_NOTHING}",
            reason="inference.ended-early",
            advice=_AGAIN,
        )
    try:
        return read_answers(done.stdout, len(queries), head.layout.results)
    except MalformedError:
        raise SystemTroubleError(
            f"the computation on encrypted images gave an impossible result; {_NOTHING}",
            reason="inference.bad-result",
            advice=_AGAIN,
        ) from None


def _limit(seconds: int) -> None:
    """Set the limits of this process for good.

    :param seconds: of processor time.
    """
    limit_this_process(Limits(MEMORY, seconds, FILE_BYTES, OPEN_FILES))


def _work(source: IO[bytes], target: IO[bytes]) -> None:
    from privxray.privacy.noise import SecureNoise

    job = unpack(source.read())
    head = Head(job["weights"], job["offsets"], bool(job["packed"][0]))
    evaluator = HeadEvaluator(
        Scheme(),
        head,
        EvaluationKeys(job["public"], job["rotation"]),
        noise=answer_noise(int(job["decimals"][0])),
        top1=bool(job["top1"][0]),
        source=SecureNoise(),
    )
    filled = head.layout.filled(int(job["images"][0]))
    for query, count in zip(job["queries"], filled, strict=True):
        target.write(to_bytes(*evaluator.answer(query, count)))


def _main() -> None:
    _limit(int(sys.argv[1]))
    try:
        _work(sys.stdin.buffer, sys.stdout.buffer)
    except MemoryError:
        os._exit(1)
    except (ValueError, RuntimeError, MalformedError):
        os._exit(MalformedError.exit_code)


if __name__ == "__main__":
    _main()
