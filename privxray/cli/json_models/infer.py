"""What the commands of encrypted inference print. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from typing import Literal

from privxray.cli.json_models.printed import Printed


class Offered(Printed):
    """A model is offered to hospitals outside the study."""

    offer: str
    key_words: str
    model: str
    study: str
    round: int
    classes: list[str]
    parameters: str
    limit: int
    """Images a hospital."""
    decimals: int
    top1: bool
    """Answers give the most probable class alone."""
    again: bool
    share: float
    """Of the bits of the model's weights, what a hospital can get by all its answers, at most."""


class Asked(Printed):
    """A question was encrypted."""

    query: str
    bytes: int
    images: int
    model: str
    owner: str
    limit: int
    key_words: str
    seconds: float


class Answered(Printed):
    """A question was answered without seeing its images."""

    answer: str
    bytes: int
    hospital: str
    images: int
    left: int
    """Images that this hospital may still ask about."""
    limit: int
    model: str
    again: bool
    seconds: float | None


class ImageRead(Printed):
    """One image."""

    image: str
    label: str
    probabilities: dict[str, float] | None
    """Null where the offer gives the most probable class alone."""


class AnswerRead(Printed):
    """An answer was decrypted."""

    model: str
    asked: str
    as_asked: bool
    """False if another model answered."""
    owner: str
    left: int
    classes: list[str]
    images: list[ImageRead]


class KeyWordsForgotten(Printed):
    """The key words of a party are asked for again."""

    party: str
    distrusted: Literal[True]
