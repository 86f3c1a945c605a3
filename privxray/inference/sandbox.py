"""The owner computes on a stranger's ciphertexts in a child process that can do little else.

What reaches the child has passed :mod:`~privxray.inference.wire`, so this is a second line of defence.
Whatever a library does with residues that nobody foresaw, it does in a process that can't take the machine's
memory or leave a core dump, and that holds no private key. Where Linux has them, walls
(:mod:`privxray.system.walls`) keep it from files, from the network and from other programs. They are raised
before it reads its job, and after it has computed once, so that everything that is imported late is there.

The job is safetensors on stdin, the results are residues on stdout: numbers, nothing that can run.
"""

from __future__ import annotations

import io
import os
import sys
from typing import IO

import numpy as np

from privxray.errors import MalformedError, SystemTroubleError
from privxray.formats.tensors import pack, unpack
from privxray.inference import hospital_side
from privxray.inference.owner_side import Answering, Head, answers
from privxray.inference.parameters import Layout
from privxray.inference.terms import Terms
from privxray.inference.wire import Question, read_answer, read_question, to_bytes
from privxray.system import child
from privxray.system.limits import Limits, limit_this_process
from privxray.system.walls import raise_walls

MEMORY = 1 << 30
"""Bytes of address space; the largest job (256 images, 50 classes) needs 0.4 GiB."""
FILE_BYTES = 64 << 20
"""Bytes of any one file that the child writes."""
OPEN_FILES = 64
START_SECONDS = 60
"""Processor time to start, and to read the question and the head."""
RESULT_SECONDS = 0.5
"""Processor time for the result of an image and a class; a slow workstation needs less than 0.02."""

_NOTHING = "nothing was answered or counted"
_AGAIN = "Close other programs and type the command again; if that happens again, refuse the query"
_MODULE = "privxray.inference.sandbox"
_PATIENCE = 4
"""The child may take so many times its processor time, on a busy machine."""


def evaluate(owner: Answering, question: Question, images: int) -> bytes:
    """The results of so many images as they travel, computed in a child process.

    :param question: the hospital's, checked by ``wire``.
    :raises SystemTroubleError: the child took too long, ended without an answer, or gave an impossible one.
    """
    layout = owner.layout
    seconds = START_SECONDS + int(RESULT_SECONDS * images * layout.classes)
    try:
        done = child.run(
            [sys.executable, "-P", "-m", _MODULE, str(seconds)],
            child.environment(OMP_NUM_THREADS="1"),
            _job(owner, question, images),
            layout.answer_bytes(images),
            _PATIENCE * seconds,
        )
    except TimeoutError:
        raise SystemTroubleError(
            f"the computation on encrypted images took too long; {_NOTHING}",
            reason="inference.too-slow",
            advice=_AGAIN,
        ) from None
    if len(done.output) > layout.answer_bytes(images):
        raise _impossible()
    if done.code:
        raise SystemTroubleError(
            f"the computation on encrypted images ended early (code {done.code}); {_NOTHING}",
            reason="inference.ended-early",
            advice=_AGAIN,
        )
    try:
        read_answer(done.output, layout, images)
    except MalformedError:
        raise _impossible() from None
    return done.output


def _impossible() -> SystemTroubleError:
    return SystemTroubleError(
        f"the computation on encrypted images gave an impossible result; {_NOTHING}",
        reason="inference.bad-result",
        advice=_AGAIN,
    )


def _job(owner: Answering, question: Question, images: int) -> bytes:
    terms = owner.terms
    return pack(
        {
            "weights": owner.head.weights,
            "offsets": owner.head.offsets,
            "mixing_seed": np.frombuffer(owner.mixing_seed, np.uint8),
            "question": np.frombuffer(question.to_bytes(), np.uint8),
            "numbers": np.array([images, owner.layout.score_range, terms.decimals, terms.top1]),
        }
    )


def _limit(seconds: int) -> None:
    """Set the limits of this process for good.

    :param seconds: of processor time.
    """
    limit_this_process(Limits(MEMORY, seconds, FILE_BYTES, OPEN_FILES))


def _rehearse() -> None:
    """Answer a question of no consequence, so that no module has to be read any more."""
    layout = Layout(1, 2, 3, 8)
    owner = Answering(Head(np.ones((2, 1)), np.ones(2)), bytes(32), layout, Terms(top1=True))
    asking = hospital_side.ask(np.ones((1, 1)), layout, owner.mixing_seed)
    _work(io.BytesIO(_job(owner, asking.question, 1)), io.BytesIO())


def _work(source: IO[bytes], target: IO[bytes]) -> None:
    from privxray.privacy.noise import SecureNoise

    job = unpack(source.read())
    head = Head(job["weights"], job["offsets"])
    images, score_range, decimals, top1 = map(int, job["numbers"])
    classes, features = head.weights.shape
    layout = Layout(features, classes, decimals, score_range)
    owner = Answering(head, job["mixing_seed"].tobytes(), layout, Terms(None, decimals, bool(top1)))
    question = read_question(job["question"].tobytes(), layout, images)
    for result in answers(owner, question, images, SecureNoise()):
        target.write(to_bytes(result))


def _main() -> None:
    _limit(int(sys.argv[1]))
    try:
        _rehearse()
        raise_walls()
        _work(sys.stdin.buffer, sys.stdout.buffer)
    except (MemoryError, OSError, ValueError, MalformedError):
        os._exit(1)


if __name__ == "__main__":
    _main()
