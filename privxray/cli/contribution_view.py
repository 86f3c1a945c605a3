"""What the commands that contribute noisy counts take and say. Tested in tests/cli/test_tasks.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.output import tell

if TYPE_CHECKING:
    from privxray.workflow.hospital.counting.contribution import Contributed

Contribute = Annotated[
    bool,
    typer.Option(
        "--contribute",
        help="Draw the noise that the study's plan asks for, and keep the noisy counts for export-update. "
        "This costs privacy budget.",
    ),
]
Epsilon = Annotated[
    float | None,
    typer.Option(
        "--epsilon",
        help="With --contribute: what it costs per patient, as a check; it has to be the plan's.",
        show_default=False,
    ),
]


def contribution_json(done: Contributed) -> dict[str, object]:
    """What ``--json`` says of a contribution."""
    return {
        "study": done.plan.study,
        "round": done.plan.round,
        "task": done.plan.its_task,
        "contributed": {"epsilon": done.plan.epsilon, "deviation": done.deviation},
        **done.spent.to_json(),
        "lifetime": {
            "epsilon": done.lifetime.epsilon,
            "limit": done.limit.epsilon,
            "delta": done.lifetime.delta,
        },
        "already": done.already,
    }


def tell_contribution(done: Contributed, what: str) -> None:
    """Say what a contribution was and cost.

    :param what: a clause that ends before "with noise".
    """
    from privxray.privacy.guarantee import Guarantee

    for remark in done.remarks:
        tell(f"Note: {remark}.")
    cost = Guarantee(done.plan.epsilon, done.plan.delta)
    before = " before; nothing was drawn again" if done.already else ""
    tell(
        f"{what}{before}, with noise of standard deviation {done.deviation:.3g} in each count: {cost}. This "
        "hospital has put all of it on its own counts, so the promise does not depend on the others."
    )
    tell(f"This study so far: {done.spent}; all studies: {done.lifetime} of {done.limit.epsilon:g}.")
