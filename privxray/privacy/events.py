"""What a mechanism did, in terms that survive composition.

Epsilons can't be added up without loss, but events can be composed later, with whatever comes after them. So
the ledger holds events: how much noise over the sensitivity, on which share of the patients, and how often.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from privxray.errors import MalformedError

Kind = Literal["gaussian", "poisson-gaussian"]


class Event(BaseModel):
    """One Gaussian mechanism, applied ``count`` times.

    :param kind: ``gaussian`` sees every patient. ``poisson-gaussian`` sees each patient with probability
        ``q``, independently, and drawn anew for every application.
    :param noise: standard deviation of the noise divided by the sensitivity to one patient, > 0.
    :param count: number of applications, >= 1.
    :param q: sampling rate in (0, 1]; 1 for ``gaussian``.
    :raises ValueError: a value out of its range.
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

    def to_json(self) -> dict[str, JsonValue]:
        """The event as a JSON object.

        Python writes a float so that reading it gives the same float. So equal events stay equal.
        """
        return self.model_dump(mode="json")


def steps_of(noise: float, q: float, count: int) -> Event:
    """The event of ``count`` steps with this noise that see each patient with probability ``q``."""
    kind: Kind = "gaussian" if q == 1.0 else "poisson-gaussian"
    return Event(kind=kind, noise=noise, count=count, q=q)


def to_text(events: Iterable[Event]) -> str:
    """The events as the ledger keeps them: a JSON array in one spelling, for it is hashed."""
    return json.dumps([event.to_json() for event in events], separators=(",", ":"), sort_keys=True)


def from_text(text: str) -> tuple[Event, ...]:
    """The events that :func:`to_text` wrote.

    :raises MalformedError: not a JSON array, an unknown field, or a value out of its range.
    """
    try:
        items = json.loads(text)
        if not isinstance(items, list):
            raise ValueError("an array of events was expected")  # noqa: TRY004 - one refusal for all of these
        return tuple(Event.model_validate(item) for item in items)
    except ValueError as error:
        raise MalformedError(
            "the privacy ledger holds an entry that no version of privxray writes",
            reason="ledger.entry-impossible",
            advice="Put the untouched ledger back; what was spent can't be known without it",
        ) from error


def merge(events: Iterable[Event]) -> tuple[Event, ...]:
    """Equal events added up, and sorted: the same history has the same form, whatever its order."""
    counts: dict[tuple[Kind, float, float], int] = {}
    for event in events:
        key = (event.kind, event.noise, event.q)
        counts[key] = counts.get(key, 0) + event.count
    return tuple(
        Event(kind=kind, noise=noise, count=count, q=q) for (kind, noise, q), count in sorted(counts.items())
    )
