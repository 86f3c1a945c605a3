"""What is spent of the privacy budget, by study and over time. Tested in tests/cli/test_report.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from privxray.privacy import accountant
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.reports.charts import Axis, Words, gauge, steps_chart
from privxray.reports.training_page import Chart, SpendingSection

MOMENTS = 12
"""At most so many moments are told: each costs a composition of all that came before."""


def spending(path: Path, plans: dict[str, Guarantee]) -> SpendingSection:
    """What a ledger says.

    :param path: of the ledger. :param plans: by study, what its newest plan here allows.
    :raises MalformedError: the ledger's chain is broken.
    """
    ledger = Ledger.open(path)
    moments = list(_moments(ledger))
    return SpendingSection(
        list(_gauges(ledger, plans)),
        _over_time(moments, ledger.limit) if moments else None,
        [[f"{at:%Y-%m-%d %H:%M}", study, f"{epsilon:.4g}"] for at, study, epsilon in moments],
    )


def _gauges(ledger: Ledger, plans: dict[str, Guarantee]) -> Iterator[Chart]:
    yield _gauge("all", "All studies", ledger.cost(), ledger.limit, "lifetime limit")
    for number, study in enumerate(sorted({study for study, _ in ledger.charged()} | set(plans))):
        allowed = plans.get(study)
        of = allowed or ledger.limit
        cost = ledger.cost(study, of.delta)
        yield _gauge(f"study-{number}", study, cost, of, "plan" if allowed else "lifetime limit")


def _gauge(key: str, name: str, cost: Guarantee, limit: Guarantee, whose: str) -> Chart:
    says = (
        f"{name}: epsilon {cost.epsilon:.4g} of the {whose}'s {limit.epsilon:.4g}, at delta {limit.delta:g}"
    )
    return Chart(gauge(Words(f"gauge-{key}", name, says), cost.epsilon, limit.epsilon), says)


def _moments(ledger: Ledger) -> Iterator[tuple[datetime, str, float]]:
    """When a run that is still charged was charged, its study, and what all runs cost from then on."""
    charged = ledger.charged()
    reserved = {(entry.study, entry.run): entry.at for entry in ledger.entries() if entry.kind == "reserve"}
    runs = sorted(charged, key=lambda run: reserved[run])
    told = {round(place * (len(runs) - 1) / (MOMENTS - 1)) for place in range(MOMENTS)}
    past: list[Event] = []
    for number, run in enumerate(runs):
        past += charged[run][1]
        if len(runs) <= MOMENTS or number in told:
            cost = accountant.guarantee(tuple(past), ledger.limit.delta)
            yield datetime.fromisoformat(reserved[run]), run[0], cost.epsilon


def _over_time(moments: list[tuple[datetime, str, float]], limit: Guarantee) -> Chart:
    first, last = moments[0][0], moments[-1][0]
    start, end = first.timestamp(), last.timestamp()
    room = max((end - start) * 0.05, 1.0)
    days = [(start, f"{first:%Y-%m-%d}")] + (
        [(end, f"{last:%Y-%m-%d}")] if first.date() != last.date() else []
    )
    says = (
        f"Epsilon of all studies together over time: {moments[-1][2]:.4g} since {last:%Y-%m-%d}; the dashed "
        f"line is the lifetime limit of {limit.epsilon:g}"
    )
    words = Words("over-time", "Epsilon over time", says, "date (UTC)", "epsilon")
    steps = [(at.timestamp(), epsilon) for at, _, epsilon in moments]
    return Chart(steps_chart(words, steps, limit.epsilon, Axis(start - room, end + room, days)), says)
