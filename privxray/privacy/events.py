"""What a mechanism did, in the only terms that survive composition.

An epsilon can't be added to another without loss; an event can. So the ledger and the plans hold events:
how much noise over the sensitivity, on which share of the patients, how often.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from privxray.errors import MalformedError

Kind = Literal["gaussian", "poisson-gaussian"]


class Event(BaseModel):
    """One Gaussian mechanism, applied ``count`` times.

    :param kind: ``gaussian`` sees every patient; ``poisson-gaussian`` sees each with probability ``q``,
        independently and afresh at every application.
    :param noise: standard deviation of the noise divided by the sensitivity of one patient, > 0.
    :param count: number of applications, >= 1.
    :param q: sampling rate in (0, 1]; 1 for ``gaussian``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Kind
    noise: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    count: Annotated[int, Field(ge=1, le=1 << 31)] = 1
    q: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0

    @model_validator(mode="after")
    def _a_gaussian_sees_everybody(self) -> Event:
        if self.kind == "gaussian" and self.q != 1.0:
            raise ValueError("a gaussian event has q = 1")
        return self

    def to_json(self) -> dict[str, Any]:
        """The event as a JSON object; Python's float repr round-trips, so equal events stay equal."""
        return self.model_dump(mode="json")


def from_json(items: object) -> tuple[Event, ...]:
    """Read a list of JSON objects that :meth:`Event.to_json` wrote.

    :raises MalformedError: not a list, an unknown field, or a value out of its range.
    """
    if not isinstance(items, list):
        raise MalformedError("a list of privacy events was expected")
    try:
        return tuple(Event.model_validate(item) for item in items)
    except ValidationError as error:
        raise MalformedError("a privacy event in this file is not valid") from error


def merge(events: Iterable[Event]) -> tuple[Event, ...]:
    """Add up the counts of equal events and sort, so that one history has one form whatever its order."""
    counts: dict[tuple[Kind, float, float], int] = {}
    for event in events:
        key = (event.kind, event.noise, event.q)
        counts[key] = counts.get(key, 0) + event.count
    return tuple(
        Event(kind=kind, noise=noise, count=count, q=q) for (kind, noise, q), count in sorted(counts.items())
    )
