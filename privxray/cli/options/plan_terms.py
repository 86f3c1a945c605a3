"""A study's terms, from options and a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, field_validator

from privxray.errors import AbsentFileError, StrangeFileError, UsageError
from privxray.learning.constants import no_bool

if TYPE_CHECKING:
    from privxray.workflow.coordinator.plan_terms import Terms

MAX_BYTES = 100_000


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    method: Literal["linear-probe", "dp-sgd"] = "linear-probe"
    classes: list[str] | None = None
    rounds: int | None = None
    epsilon: float | None = None
    delta: float | None = None
    constants: dict[str, JsonValue] = {}
    mode: Literal["strict", "keyholders"] = "strict"
    keyholders: list[str] | None = None
    threshold: int | None = None
    corrupt_keyholders: int | None = None
    corrupt_hospitals: int | None = None
    minimum_cohort: int | None = None

    @field_validator("rounds", "epsilon", "delta", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: object) -> object:
        return no_bool(value)


_COMMITTEE = ("threshold", "corrupt_keyholders", "corrupt_hospitals", "minimum_cohort")


def read_terms(path: Path | None, options: Mapping[str, Any]) -> Terms:
    """Options over the file over the defaults.

    :param options: by the names of the file's fields; None where an option was not given, ``classes`` by
        comma.
    :raises StrangeFileError: the file is not a mapping of the fields of a plan's terms.
    :raises UsageError: terms of keyholders in a strict plan.
    """
    from privxray.workflow.coordinator.enrolment import CommitteeTerms
    from privxray.workflow.coordinator.plan_terms import Terms

    file = _File() if path is None else _read(path)
    given = {name: value for name, value in options.items() if value is not None}
    if "classes" in given:
        given["classes"] = [part.strip() for part in given["classes"].split(",")]
    chosen = file.model_copy(update=given)
    numbers = {name: value for name in _COMMITTEE if (value := getattr(chosen, name)) is not None}
    if chosen.mode == "strict" and (numbers or chosen.keyholders):
        raise UsageError(
            "terms of keyholders are given, and the mode is strict, which has none",
            reason="plan.keyholders-in-strict-mode",
            advice="Type --mode keyholders as well, or leave those terms out",
        )
    terms = {
        name: value for name in ("rounds", "epsilon", "delta") if (value := getattr(chosen, name)) is not None
    }
    if chosen.classes is not None:
        terms["classes"] = tuple(chosen.classes)
    committee = CommitteeTerms(hospitals=tuple(chosen.keyholders or ()), **numbers)
    return Terms(
        method=chosen.method,
        constants=file.constants,
        committee=committee if chosen.mode == "keyholders" else None,
        **terms,
    )


def _read(path: Path) -> _File:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise AbsentFileError(
            f"the file of --from can't be read ({error.strerror})",
            reason="terms.unread",
            file=path,
            advice="Check its path and its permissions",
        ) from None
    try:
        if len(data) > MAX_BYTES:
            raise ValueError
        return _File.model_validate(yaml.safe_load(data.decode("utf-8")) or {})
    except (yaml.YAMLError, ValueError, ValidationError):
        raise StrangeFileError(
            "this is not a plan's terms",
            reason="terms.not-terms",
            file=path,
            advice=f"It may hold: {', '.join(_File.model_fields)}",
        ) from None
