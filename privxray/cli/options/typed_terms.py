"""A study's terms, from options and a YAML file: one set of rules for both.

Whatever is refused is named as it was typed, an option as ``--rounds``, a field of the file as ``rounds``.
Tested in tests/cli/test_typed_terms.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from privxray.errors import AbsentFileError, StrangeFileError, UsageError
from privxray.exchange.messages.plan import ClassName
from privxray.learning.constants import no_bool
from privxray.system.regular_files import open_regular

if TYPE_CHECKING:
    from privxray.workflow.coordinator.planning.plan_terms import Terms

MAX_BYTES: Final = 100_000
_COMMITTEE: Final = ("threshold", "corrupt_keyholders", "corrupt_hospitals", "minimum_cohort")

_OTHER_TASKS: Final = ("describe_epsilon", "evaluate_epsilon")


class TermsFields(BaseModel):
    """The terms that may be typed, and those that a file may hold. Their ranges are those of a plan."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["linear-probe", "dp-sgd"] = "linear-probe"
    classes: Annotated[tuple[ClassName, ...], Field(min_length=2, max_length=50)] | None = None
    rounds: Annotated[int, Field(ge=1, le=1000)] | None = None
    epsilon: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None
    delta: Annotated[float, Field(gt=0, le=1e-3, allow_inf_nan=False)] | None = None
    constants: dict[str, JsonValue] = {}
    mode: Literal["strict", "keyholders"] = "strict"
    keyholders: list[str] | None = None
    threshold: Annotated[int, Field(ge=1, le=16)] | None = None
    corrupt_keyholders: Annotated[int, Field(ge=0, le=16)] | None = None
    corrupt_hospitals: Annotated[int, Field(ge=0, le=100)] | None = None
    minimum_cohort: Annotated[int, Field(ge=0, le=100)] | None = None
    commitments: Annotated[bool, Field(strict=True)] | None = None
    describe_epsilon: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None
    evaluate_epsilon: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None
    masks: Literal["x25519", "hybrid"] | None = None
    successors: list[str] | None = None
    successor_threshold: Annotated[int, Field(ge=2, le=100)] | None = None

    @field_validator(
        "rounds", "epsilon", "delta", "successor_threshold", *_COMMITTEE, *_OTHER_TASKS, mode="before"
    )
    @classmethod
    def _true_is_no_number(cls, value: object) -> object:
        return no_bool(value)

    @field_validator("classes")
    @classmethod
    def _no_class_twice(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and len(set(value)) < len(value):
            raise ValueError
        return value


_CLASS: Final = "up to 40 small letters (a to z), digits, blanks, dashes and underscores, with a letter first"
_ALLOWED: Final = {
    "method": "linear-probe or dp-sgd",
    "classes": "2 to 50 classes",
    "rounds": "a whole number from 1 to 1000",
    "epsilon": "a number above 0 and at most 100",
    "delta": "a number above 0 and at most 0.001",
    "constants": "a mapping of constants to values",
    "mode": "strict or keyholders",
    "keyholders": "a list of hospitals",
    "threshold": "a whole number from 1 to 16",
    "corrupt_keyholders": "a whole number from 0 to 16",
    "corrupt_hospitals": "a whole number from 0 to 100",
    "minimum_cohort": "a whole number from 0 to 100",
    "commitments": "true or false",
    "describe_epsilon": "a number above 0 and at most 100",
    "evaluate_epsilon": "a number above 0 and at most 100",
    "masks": "x25519 or hybrid",
    "successors": "a list of hospitals",
    "successor_threshold": "a whole number from 2 to 100",
}
_CLASSES: Final = f"2 to 50 classes, none twice, each of {_CLASS}"
_REASONS: Final = {
    "classes": "plan-option.class-count",
    "rounds": "plan-option.rounds",
    "epsilon": "epsilon.out-of-range",
    "delta": "delta.out-of-range",
    "describe_epsilon": "epsilon.out-of-range",
    "evaluate_epsilon": "epsilon.out-of-range",
    "threshold": "plan-option.threshold",
    "corrupt_keyholders": "plan-option.corrupt-keyholders",
    "corrupt_hospitals": "plan-option.corrupt-hospitals",
    "minimum_cohort": "plan-option.minimum-cohort",
    "successor_threshold": "plan-option.successor-threshold",
}
"""Of options whose range is checked here."""
_FIELDS: Final = ", ".join(TermsFields.model_fields)


def read_terms(path: Path | None, options: Mapping[str, Any]) -> Terms:
    """Options over the file over the defaults.

    :param options: what was typed, by the names of the file's fields; ``classes`` by comma.
    :raises AbsentFileError: the file can't be read.
    :raises StrangeFileError: it is not a mapping of the fields of a plan's terms.
    :raises UsageError: an option is out of range, or there are terms of keyholders in a strict plan.
    """
    from privxray.workflow.coordinator.planning.enrolment import CommitteeTerms
    from privxray.workflow.coordinator.planning.plan_terms import Terms
    from privxray.workflow.coordinator.planning.scheduled import OtherTasks
    from privxray.workflow.coordinator.planning.successor_terms import SuccessorTerms

    file = TermsFields() if path is None else _read(path)
    chosen = file.model_copy(update=_typed(options).model_dump(exclude_unset=True))
    numbers = {name: value for name in _COMMITTEE if (value := getattr(chosen, name)) is not None}
    if chosen.mode == "strict" and (numbers or chosen.keyholders):
        raise UsageError(
            "terms of keyholders are given, and the mode is strict, which has none",
            reason="plan.keyholders-in-strict-mode",
            advice="Type --mode keyholders as well, or leave those terms out",
        )
    committee = CommitteeTerms(hospitals=tuple(chosen.keyholders or ()), **numbers)
    if chosen.successor_threshold is not None and not chosen.successors:
        raise UsageError(
            "a number of votes is given, and nobody who has one",
            reason="plan.successors-missing",
            advice="Name the hospitals that may name another coordinator: --successors A,B,C",
        )
    successors = (
        SuccessorTerms(tuple(chosen.successors), chosen.successor_threshold) if chosen.successors else None
    )
    given = ("classes", "rounds", "epsilon", "delta", "commitments")
    return Terms(
        method=chosen.method,
        constants=chosen.constants,
        committee=committee if chosen.mode == "keyholders" else None,
        others=OtherTasks(
            agree=chosen.masks == "hybrid",
            describe=chosen.describe_epsilon,
            evaluate=chosen.evaluate_epsilon,
        ),
        successors=successors,
        **{name: value for name in given if (value := getattr(chosen, name)) is not None},
    )


def _typed(options: Mapping[str, Any]) -> TermsFields:
    values = dict(options)
    for name in ("classes", "successors"):
        if name in values:
            values[name] = [part.strip() for part in values[name].split(",")]
    try:
        return TermsFields.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    option = f"--{name.replace('_', '-')}"
    if len(first["loc"]) > 1:
        small = str(first["input"]).lower()
        raise UsageError(
            f"{option} can't have the class '{first['input']}': a class has {_CLASS}",
            reason="plan-option.class-name",
            advice=f"Write {small}" if re.fullmatch("[a-z][a-z0-9 _-]{0,39}", small) else "",
        )
    if first["type"] == "value_error":
        raise UsageError(
            f"{option} names a class twice",
            reason="plan-option.class-twice",
            advice="Write each class once",
        )
    raise UsageError(
        f"{option} can't be '{options[name]}': it has to be {_ALLOWED[name]}", reason=_REASONS[name]
    )


def _read(path: Path) -> TermsFields:
    try:
        with open_regular(path) as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise AbsentFileError(
            f"the file of --from can't be read ({error.strerror})",
            reason="terms.unread",
            file=path,
            advice="Check its path and its permissions",
        ) from None
    try:
        fields = yaml.safe_load(data.decode("utf-8")) or {}
    except (yaml.YAMLError, ValueError):
        fields = None
    if len(data) > MAX_BYTES or not isinstance(fields, dict):
        raise StrangeFileError(
            "this is not a plan's terms",
            reason="terms.not-terms",
            file=path,
            advice=f"Such a file is YAML, and may hold {_FIELDS}",
        )
    try:
        return TermsFields.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    if name not in _ALLOWED:  # it is not repeated, for this may be a file of patients
        raise StrangeFileError(
            "it holds something that is not a term of a plan",
            reason="terms.unknown-term",
            file=path,
            advice=f"It may hold {_FIELDS}",
        )
    raise StrangeFileError(
        f"{name} has to be {_CLASSES if name == 'classes' else _ALLOWED[name]}",
        reason="terms.out-of-range",
        file=path,
        advice="Mend it in the file",
    )
