"""Which tests are made of what is left when exact values are taken from noisy answers.

Tested in tests/unit/test_audit_conformance.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from privxray.audit.conformance import noise_tests
from privxray.audit.conformance.noise_tape import Floats
from privxray.audit.conformance.noise_tests import NoiseTest
from privxray.audit.conformance.recomputed import Block, Recomputed

_MOST_COLUMNS = 1024  # whose pairs are compared: half a million
_FEWEST_REPEATS = 64  # values of a row in which repetitions are looked for
_FEWEST_VALUES = 400  # of all rows together, for the same


def residual_tests(trainings: Sequence[Recomputed]) -> list[NoiseTest]:
    """All tests of several trainings of one method.

    The trainings must be of the same constants, and each on fresh noise.
    """
    blocks = [block for training in trainings for block in training.blocks]
    every = np.concatenate([block.noise.ravel() for block in blocks])
    return [
        *_of_the_size(blocks, every),
        *_of_what_is_known(blocks),
        *_of_dependence(_by_name(blocks)),
        noise_tests.shape("form of all noise", every),
        noise_tests.largest("largest noise", every),
        *_of_sampling(trainings),
    ]


def _of_the_size(blocks: Sequence[Block], every: Floats) -> Iterable[NoiseTest]:
    """Variance of everything, of each part, answer, class and number."""
    parts = _by_name(blocks)
    yield noise_tests.variance("variance of all noise", every[None])
    yield noise_tests.worst_of(
        "variance by part", [noise_tests.variance(name, part.reshape(1, -1)) for name, part in parts.items()]
    )
    answers = sorted({block.answer for block in blocks})
    yield noise_tests.worst_of(
        "variance by step",
        [
            noise_tests.variance(f"answer {answer}", _joined(b for b in blocks if b.answer == answer)[None])
            for answer in answers
        ],
    )
    yield noise_tests.worst_of(
        "variance by class",
        [
            noise_tests.variance(name, np.moveaxis(part, 1, 0).reshape(part.shape[1], -1))
            for name, part in parts.items()
            if name in _class_parts(blocks)
        ],
    )
    yield noise_tests.worst_of(
        "variance by number",
        [noise_tests.variance(name, part.reshape(len(part), -1).T) for name, part in parts.items()],
    )


def _of_what_is_known(blocks: Sequence[Block]) -> Iterable[NoiseTest]:
    """Mean, and whether anything of the exact answers is left.

    What is exact in an answer was fixed before its noise was drawn. So the noise along it is N(0, 1) and
    independent of that in earlier answers, however the queries were chosen.
    """
    yield noise_tests.worst_of(
        "mean by part",
        [noise_tests.mean(name, part.ravel()) for name, part in _by_name(blocks).items()],
    )
    along = np.array(
        [
            float((block.noise * block.exact).sum() / length)
            for block in blocks
            if (length := float(np.sqrt(np.square(block.exact).sum()))) > 0.0
        ]
    )
    if len(along):
        yield noise_tests.mean("exact answers in the noise", along)
        yield noise_tests.largest("exact answers in the noise, at worst", along)


def _of_dependence(parts: dict[str, Floats]) -> Iterable[NoiseTest]:
    """Correlation between answers, classes and features, and repetition within an answer."""
    flat = {name: part.reshape(len(part), -1) for name, part in parts.items()}
    many = {name: rows for name, rows in flat.items() if len(rows) > 1 and rows.shape[1] > 1}
    if many:
        yield noise_tests.worst_of(
            "correlation between steps", [noise_tests.correlation(name, rows) for name, rows in many.items()]
        )
        yield noise_tests.worst_of(
            "noise common to steps",
            [noise_tests.variance(name, _summed(rows, 0)) for name, rows in many.items()],
        )
    wide = {name: part for name, part in parts.items() if part.ndim == 3}  # [answers, classes, features]
    if wide:
        yield noise_tests.worst_of(
            "correlation between classes",
            [
                noise_tests.correlation(name, np.moveaxis(p, 1, 0).reshape(p.shape[1], -1))
                for name, p in wide.items()
            ],
        )
        yield noise_tests.worst_of(
            "noise common to classes",
            [noise_tests.variance(name, _summed(part, 1)) for name, part in wide.items()],
        )
        yield noise_tests.worst_of(
            "noise common to features",
            [noise_tests.variance(name, _summed(part, 2)) for name, part in wide.items()],
        )
        yield noise_tests.worst_of(
            "correlation between features",
            [
                noise_tests.correlation(name, part.reshape(-1, part.shape[2])[:, :_MOST_COLUMNS].T)
                for name, part in wide.items()
            ],
        )
    long = {name: rows for name, rows in flat.items() if _long_enough(rows)}
    if long:
        yield noise_tests.worst_of(
            "repetition within an answer", [noise_tests.repeats(name, rows) for name, rows in long.items()]
        )


def _of_sampling(trainings: Sequence[Recomputed]) -> Iterable[NoiseTest]:
    """Whether each patient is drawn as often as the accountant was told, and by a coin of his or her own.

    Batches of a fixed size, or passes over shuffled patients, have the right mean and no spread.
    """
    drawn = [training for training in trainings if training.taken.size and training.rate < 1.0]
    if not drawn:
        return
    taken, rate = np.concatenate([training.taken for training in drawn]), drawn[0].rate
    steps, patients = taken.shape
    yield noise_tests.frequency("patients sampled", int(taken.sum()), taken.size, rate)
    for name, counts, tries in (
        ("patients sampled, by patient", taken.sum(axis=0), steps),
        ("patients sampled, by step", taken.sum(axis=1), patients),
    ):
        each = [noise_tests.frequency("", int(count), tries, rate) for count in counts]
        yield noise_tests.worst_of(name, each)
        yield noise_tests.evenness(f"{name}, spread", counts, tries, rate)


def _by_name(blocks: Sequence[Block]) -> dict[str, Floats]:
    """Each part's noise in all answers that have it: [answers, ...]."""
    names = dict.fromkeys(block.name for block in blocks)
    return {name: np.stack([block.noise for block in blocks if block.name == name]) for name in names}


def _class_parts(blocks: Sequence[Block]) -> set[str]:
    return {block.name for block in blocks if block.by_class}


def _joined(blocks: Iterable[Block]) -> Floats:
    return np.concatenate([block.noise.ravel() for block in blocks])


def _long_enough(rows: Floats) -> bool:
    """Whether repetitions within rows can be looked for."""
    return rows.shape[1] >= _FEWEST_REPEATS and rows.size >= _FEWEST_VALUES


def _summed(values: Floats, axis: int) -> Floats:
    """[1, n] sums along an axis, scaled to N(0, 1) again."""
    return np.asarray(values.sum(axis=axis) / np.sqrt(values.shape[axis])).reshape(1, -1)
