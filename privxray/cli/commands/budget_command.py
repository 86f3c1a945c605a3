"""``budget``: what a hospital has spent, and what is left, in figures and as bars.

Tested in tests/cli/test_budget.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json
from privxray.cli.options.known_names import studies
from privxray.cli.output import bar, emit, line, table, tell

if TYPE_CHECKING:
    from privxray.privacy.guarantee import Guarantee
    from privxray.workflow.ledger.budget import Budget, Cost, StudyBudget
    from privxray.workflow.ledger.further_steps import Affords


def budget(
    study: Annotated[
        str | None,
        typer.Option(
            "--study", help="Show only the runs of this study.", show_default=False, autocompletion=studies
        ),
    ] = None,
    replace_one: Annotated[
        bool,
        typer.Option("--replace-one", help="Also give epsilon for a patient who is replaced by another."),
    ] = False,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", help="Say with how little noise this many more steps fit.", show_default=False
        ),
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(
            "--noise", help="Say how many more steps of this noise over sensitivity fit.", show_default=False
        ),
    ] = None,
    sampling_rate: Annotated[
        float, typer.Option("--sampling-rate", help="The share of patients that each step sees.")
    ] = 1.0,
    as_json: Json = False,
) -> None:
    """What this hospital has spent of its privacy budget."""
    from privxray.workflow.ledger.budget import budget_of
    from privxray.workflow.ledger.further_steps import FurtherSteps

    workspace = current_workspace()
    further = FurtherSteps(steps, noise, sampling_rate)
    seen = budget_of(workspace, study=study, replace_one=replace_one, further=further)
    if as_json:
        emit(_json(seen))
        return
    _runs(seen, replace_one)
    _bars(seen)
    if seen.affords:
        line(_affords(seen, seen.affords))
    for remark in seen.remarks:
        tell(f"Note: {remark}.")
    if len(seen.runs) > 1:
        tell("Several runs together cost less than the sum of their epsilons. The totals above take that in.")


def _runs(seen: Budget, replace_one: bool) -> None:
    from privxray.privacy.guarantee import ADJACENCY, REPLACE_ADJACENCY

    what = f"{ADJACENCY}; replaced: {REPLACE_ADJACENCY}" if replace_one else ADJACENCY
    table(
        f"Each run alone: epsilon per patient at delta {seen.limit.delta:g}, {what}",
        ("study", "run", "state", "epsilon", *(["replaced"] if replace_one else [])),
        ((r.study, r.run, r.state, *_figures(r.cost)) for r in seen.runs),
    )


def _figures(cost: Cost) -> list[str]:
    return [f"{one.epsilon:.4g}" for one in (cost.guarantee, cost.replaced) if one is not None]


def _bars(seen: Budget) -> None:
    """All studies within the lifetime limit, each within its plan: how far epsilon reaches, and what fits."""
    spent, charged = seen.spent.guarantee.epsilon, seen.charged.guarantee.epsilon
    line(_told("All studies", seen.charged, f" of {seen.limit.epsilon:g}"))
    bar(seen.limit.epsilon, (("#", spent), ("=", charged)))
    line(f"# spent: epsilon {spent:.4g}")
    if charged > spent:
        line(f"= reserved by a run that has begun; together with what is spent: epsilon {charged:.4g}")
    line(f". left: {_left(seen.left)}")
    line(_admitted(seen))
    for one in seen.studies:
        planned = "" if one.planned is None else f" of its plan's {one.planned.epsilon:.4g}"
        line(_told(one.study, one.cost, planned))
        if one.left.delta != seen.left.delta:
            line(f"at the delta of {one.study}, {one.left.delta:g}, {_left(one.left)}")
        if one.planned is not None:
            bar(one.planned.epsilon, (("#", one.cost.guarantee.epsilon),))


def _admitted(seen: Budget) -> str:
    """What the limit is held against, which is more than what the history by itself has cost."""
    held = f"{seen.admitted.epsilon:.4g} of {seen.limit.epsilon:g}"
    if seen.admitted.epsilon > seen.limit.epsilon:
        return (
            f"Held against the limit: {held}. An earlier version of privxray admitted more than this one "
            "does; nothing more can be trained on these patients."
        )
    above = f"{seen.charged.guarantee.epsilon:.4g}"
    told = f"Held against the limit: {held}. This holds even if later trainings depended on earlier results"
    if f"{seen.admitted.epsilon:.4g}" == above:
        return f"{told}."
    return f"{told}; so it is more than the {above} above, and it is what status shows."


def _left(room: Guarantee) -> str:
    """What one more training, whose noise is Gaussian, may cost within the lifetime limit."""
    if room.epsilon <= 0:
        return "nothing; no further training fits"
    return f"you can still train once with epsilon {room.epsilon:.4g}"


def _told(what: str, cost: Cost, of: str) -> str:
    told = f"{what}: {cost.guarantee}{of}"
    other = cost.replaced
    return told if other is None else f"{told}; {other.epsilon:.4g} by {other.adjacency}"


def _affords(seen: Budget, found: Affords) -> str:
    rate = f"sampling rate {found.q:g}"
    if found.noise is None or found.steps == 0:
        return f"Not one such step at {rate} fits any more."
    return (
        f"{found.steps:,} more steps at {rate} fit, with noise {found.noise:.6g} over sensitivity. With all "
        f"that was spent before they have at most {seen.limit}."
    )


def _json(seen: Budget) -> dict[str, Any]:
    return {
        "spent": _cost(seen.spent),
        "charged": _cost(seen.charged),
        "admitted": seen.admitted.epsilon,
        "limit": seen.limit.epsilon,
        "left": seen.left.epsilon,
        "delta": seen.limit.delta,
        "studies": [_study(one) for one in seen.studies],
        "runs": [
            {"study": r.study, "run": r.run, "state": r.state, **_cost(r.cost), "events": r.events}
            for r in seen.runs
        ],
        "remarks": list(seen.remarks),
        "affords": None
        if seen.affords is None
        else {"steps": seen.affords.steps, "noise": seen.affords.noise, "sampling_rate": seen.affords.q},
    }


def _study(one: StudyBudget) -> dict[str, Any]:
    planned = None if one.planned is None else one.planned.epsilon
    return {"study": one.study, **_cost(one.cost), "planned": planned, "left": one.left.epsilon}


def _cost(cost: Cost) -> dict[str, Any]:
    told = {**cost.guarantee.to_json(), "unit": "patient"}
    if cost.replaced is None:
        return told
    replaced = cost.replaced.to_json()
    return {**told, "replace_one": {name: replaced[name] for name in ("epsilon", "adjacency")}}
