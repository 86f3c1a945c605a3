"""What a training may be expected to reach, by what was measured: docs/BENCHMARKS.md and ``train --dry-run``.

``python -m privxray.evaluation.measured_accuracy docs/BENCHMARKS.md`` writes the tables of that page.
"""

from __future__ import annotations

import math
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

BEGIN = "<!-- {}: python -m privxray.evaluation.measured_accuracy docs/BENCHMARKS.md -->"
END = "<!-- end of {} -->"


@dataclass(frozen=True)
class Measured:
    """Studies that were played, all with the same terms.

    :ivar patients: training patients of each hospital.
    :ivar together: mean macro AUC of the global model. :ivar spread: its standard deviation.
    :ivar alone: mean macro AUC of the hospitals' own trainings.
    :ivar first: :ivar first_spread: the same by the first recipe, together; None where it was not measured.
    """

    hospitals: int
    patients: int
    epsilon: float
    together: float
    spread: float
    alone: float
    first: float | None = None
    first_spread: float | None = None


@dataclass(frozen=True)
class Expected:
    """What to expect, with its ground.

    :ivar alone: macro AUC of the own training, to two decimals.
    :ivar beyond: the patients times epsilon are fewer or more than in any study that was measured.
    :ivar nearest: the measured study that is most like the planned one.
    """

    alone: float
    beyond: bool
    nearest: Measured


@cache
def measured(kind: str) -> tuple[Measured, ...]:
    """The studies of one table, in its order. :param kind: ``study`` or ``dealt``."""
    return tuple(Measured(**row) for row in _file()[kind])


def measured_method() -> str:
    """The method that all of them trained by."""
    return str(_file()["method"])


def expected(hospitals: int, patients: int, epsilon: float) -> Expected:
    """What a hospital of so many training patients may expect in a study of hospitals like it.

    The noise in a hospital's averages is as 1 over its patients times epsilon. So what its training reaches
    alone is read off a curve over that product, linearly in its logarithm.
    """
    curve = _curve()
    wanted = math.log(patients * epsilon)
    low, high = curve[0][0], curve[-1][0]
    inside = min(max(wanted, low), high)
    place = next(at for at in range(1, len(curve)) if inside <= curve[at][0])
    (left, below), (right, above) = curve[place - 1], curve[place]
    alone = below + (above - below) * (inside - left) / (right - left)
    everything = (*measured("study"), *measured("dealt"))
    terms = (hospitals, patients, epsilon)
    nearest = min(everything, key=lambda one: _apart((one.hospitals, one.patients, one.epsilon), terms))
    return Expected(round(alone, 2), inside != wanted, nearest)


def tables() -> dict[str, str]:
    """The tables of docs/BENCHMARKS.md, by the names of their places."""
    return {"accuracy": "".join(_accuracy()), "hospitals": "".join(_hospitals())}


def main(page: Path) -> None:
    """Write the tables into the page."""
    page.write_text(with_tables(page.read_text("utf-8")), "utf-8")


def with_tables(text: str) -> str:
    """The text of the page with the tables as they are to be."""
    for name, table in tables().items():
        begin, end = BEGIN.format(name), END.format(name)
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{table}{end}{after}"
    return text


def _curve() -> Sequence[tuple[float, float]]:
    """Logarithm of patients times epsilon, and macro AUC alone, which never falls.

    Where neighbours fall, as chance has it, they share their mean (isotonic regression, by pooling adjacent
    violators).
    """
    everything = sorted(
        (math.log(one.patients * one.epsilon), one.alone) for one in (*measured("study"), *measured("dealt"))
    )
    pooled: list[list[float]] = []  # sum and number of those that share a mean
    for _, value in everything:
        pooled.append([value, 1.0])
        while len(pooled) > 1 and pooled[-2][0] / pooled[-2][1] > pooled[-1][0] / pooled[-1][1]:
            total, number = pooled.pop()
            pooled[-1][0] += total
            pooled[-1][1] += number
    means = [total / number for total, number in pooled for _ in range(int(number))]
    return sorted({place: mean for (place, _), mean in zip(everything, means, strict=True)}.items())


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(math.log(a / b) ** 2 for a, b in zip(one, other, strict=True))


def _accuracy() -> Iterator[str]:
    columns = ("epsilon", "three hospitals together", "one hospital alone, mean of three")
    yield f"| {' | '.join(columns)} | the first recipe together |\n"
    yield "| ---: | --- | --- | --- |\n"
    for one in measured("study"):
        bold = "**" if one.first is not None else ""
        first = "" if one.first is None else f"{_short(one.first)} (SD {_short(one.first_spread or 0)}) "
        yield (
            f"| {one.epsilon:g} | {bold}{_short(one.together)}{bold} (SD {_short(one.spread)}) | "
            f"{_short(one.alone)} | {first}|\n"
        )


def _hospitals() -> Iterator[str]:
    rows: dict[int, dict[float, Measured]] = {}
    for one in measured("dealt"):
        rows.setdefault(one.hospitals, {})[one.epsilon] = one
    epsilons = sorted({one.epsilon for one in measured("dealt")})
    columns = " | ".join(f"epsilon {epsilon:g}" for epsilon in epsilons)
    yield f"| hospitals, patients dealt anew to equal parts | {columns} |\n"
    yield "| --- |" + " --- |" * len(epsilons) + "\n"
    for hospitals, found in rows.items():
        cells = [
            f"{_short(found[e].together)} (SD {_short(found[e].spread)}; alone {_short(found[e].alone)})"
            for e in epsilons
        ]
        yield f"| {hospitals} | {' | '.join(cells)} |\n"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _file() -> dict[str, Any]:
    source = resources.files("privxray.evaluation").joinpath("measured_accuracy.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
