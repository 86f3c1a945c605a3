"""How ``status`` looks: at a glance, on 40 columns, and without colours.

Tested in tests/cli/test_status.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from privxray.cli.output import bar, counted, line, table, tell

if TYPE_CHECKING:
    from privxray.workflow.ledger.budget_glance import BudgetGlance
    from privxray.workflow.upkeep.arrivals.arrival import Arrival
    from privxray.workflow.upkeep.status import Overview
    from privxray.workspace.folder import Workspace


def show_overview(workspace: Workspace, seen: Overview) -> None:
    """Print where a workspace stands; what to type next is the command's to say."""
    awaited = {(one.study, one.round): one for one in seen.studies}
    table(
        f"{workspace.config.name}, a {workspace.config.role}'s workspace: {workspace.root}",
        ("study", "round", "state", "awaited"),
        (
            (
                r.study,
                r.number,
                r.state,
                str(one.awaited) if (one := awaited.get((r.study, r.number))) else "-",
            )
            for r in seen.rounds
        ),
    )
    if not seen.rounds:
        what = "the hospitals' cards" if workspace.config.role == "coordinator" else "the coordinator's plan"
        line(f"No study yet. For one, awaited: {what}.")
    for study in seen.studies:
        if study.stages > 1:
            line(f"{study.study} is in training round {study.stage} of {study.stages}.")
    if seen.budget is not None:
        line(f"Privacy budget: {seen.budget}.")
        bar(seen.budget.limit.epsilon, (("#", seen.budget.used),))
    _show_unread(seen)
    for name, words in seen.key_words.items():
        line(f"Key words of {name}: {words}")
    for trained in seen.trained:
        tell(f"{trained.study}, {trained}.")
    if seen.answered:
        table(
            "Encrypted images answered",
            ("hospital", "model", "images"),
            ((who, model[:16], images) for who, model, images in seen.answered),
        )
    if seen.waiting:
        tell(f"Queries whose answer has not been read here: {seen.waiting}.")
    for remark in seen.remarks:
        tell(f"Note: {remark}.")


def _show_unread(seen: Overview) -> None:
    files, more = seen.unread.files, seen.unread.more
    if files:
        line("Came, and not taken yet:")
        for one in files:  # as lines: in a column of a table long names break
            line(f"{one.name}: {one.what}, from {one.whose or 'nobody known'}; signature {_signature(one)}")
    elif seen.drop:
        line(f"Nothing unread lies in {seen.drop}/, the folder for what comes in.")
    if more:
        tell(f"{counted(more, 'more file')} not looked at.")


def _signature(one: Arrival) -> str:
    """How far a signature can be judged, without the signer, who stands beside it."""
    return one.signature.partition(";")[0].partition(", by")[0].partition(": the signer")[0]


def status_json(workspace: Workspace, seen: Overview) -> dict[str, Any]:
    """What ``--json`` says."""
    return {
        "workspace": str(workspace.root),
        "role": workspace.config.role,
        "name": workspace.config.name,
        "rounds": [{"study": r.study, "round": r.number, "state": r.state} for r in seen.rounds],
        "studies": [
            {
                "study": one.study,
                "round": one.round,
                "training_round": one.stage,
                "training_rounds": one.stages,
                "awaited": list(one.awaited.names),
                "awaited_for": one.awaited.what or None,
                "awaited_here": one.awaited.here,
            }
            for one in seen.studies
        ],
        "budget": None if seen.budget is None else _budget(seen.budget),
        "incoming": seen.drop,
        "unread": [one.to_json() for one in seen.unread.files],
        "unread_not_looked_at": seen.unread.more,
        "key_words": dict(seen.key_words),
        "trained": [{"study": t.study, "round": t.round, **t.to_json()} for t in seen.trained],
        "answered": [{"hospital": h, "model": m, "images": n} for h, m, n in seen.answered],
        "queries_waiting": seen.waiting,
        "remarks": list(seen.remarks),
        "next": list(seen.advice),
    }


def _budget(seen: BudgetGlance) -> dict[str, Any]:
    return {
        "used": seen.used,
        "limit": seen.limit.epsilon,
        "left": seen.left,
        "delta": seen.limit.delta,
        "in_words": str(seen),
    }
