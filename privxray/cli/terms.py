"""A study's terms, from options and a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from privxray.errors import MalformedError, SystemTroubleError, UsageError

if TYPE_CHECKING:
    from privxray.workflow.enrolment import Terms

MAX_BYTES = 100_000


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    method: str | None = None
    classes: list[str] | None = None
    rounds: int | None = None
    epsilon: float | None = None
    delta: float | None = None
    constants: dict[str, JsonValue] = {}


def read_terms(
    path: Path | None,
    *,
    method: str | None,
    classes: str | None,
    rounds: int | None,
    epsilon: float | None,
    delta: float | None,
) -> Terms:
    """Options over the file over the defaults.

    :raises MalformedError: the file is not a mapping of method, classes, rounds, epsilon, delta, constants.
    :raises UsageError: a method that does not exist.
    """
    from privxray.workflow.enrolment import Terms

    file = _File() if path is None else _read(path)
    chosen: dict[str, Any] = {
        "method": method or file.method,
        "classes": [part.strip() for part in classes.split(",")] if classes is not None else file.classes,
        "rounds": file.rounds if rounds is None else rounds,
        "epsilon": file.epsilon if epsilon is None else epsilon,
        "delta": file.delta if delta is None else delta,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    if "classes" in given:
        given["classes"] = tuple(given["classes"])
    if given.get("method") not in (None, "linear-probe", "dp-sgd"):
        raise UsageError("the method is linear-probe or dp-sgd", file=path)
    return Terms(**given, constants=file.constants)


def _read(path: Path) -> _File:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise SystemTroubleError(f"this file can't be read ({error.strerror})", file=path) from None
    try:
        if len(data) > MAX_BYTES:
            raise ValueError
        return _File.model_validate(yaml.safe_load(data.decode("utf-8")) or {})
    except (yaml.YAMLError, ValueError, ValidationError):
        raise MalformedError(
            "this is not a plan's terms",
            file=path,
            advice="It may hold: method, classes, rounds, epsilon, delta, constants",
        ) from None
