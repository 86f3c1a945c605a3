"""What the models of all commands have in common. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Printed(BaseModel):
    """A JSON object with these keys and no other; the string below a key says what it is."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )


def absent() -> Any:
    """The default of a key that is not always there. Where it is there, it has a value of its type."""
    return Field(default_factory=lambda: None)


class Spent(Printed):
    """What a patient is promised: epsilon and delta."""

    epsilon: float | None
    """Null stands for infinite."""
    delta: float
    adjacency: str
    """What two data sets differ in, in words."""


class Lifetime(Printed):
    """What all studies together have cost a patient of this hospital."""

    epsilon: float
    limit: float
    delta: float


class Split(Printed):
    """A split's patients of one label."""

    split: str
    label: str
    images: int
    patients: int


class Interval(Printed):
    """A figure and the ends of its interval, each null where too few patients define it."""

    value: float | None
    low: float | None
    high: float | None


class ErrorTold(Printed):
    """What went wrong."""

    reason: str
    """A stable name; ``privxray help REASON`` explains it."""
    what: str
    file: str | None
    advice: str | None
    places: dict[str, list[str]] = absent()
    """Files, lines or names by reason, where there are several."""


class Failure(Printed):
    """What any command prints that fails, if it is no report of findings."""

    error: ErrorTold
    exit_code: int
