"""How a plan is shown before anybody trusts it: first what an officer decides by, the constants on request.

Tested in tests/cli/test_plan_screen.py, tests/cli/test_terminal.py and tests/cli/test_study.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.cli.output import line, table, tell

if TYPE_CHECKING:
    from privxray.exchange.messages.plan import PlanHeader
    from privxray.keys.roster import Member, Trustee

MORE = "Its constants and keys: the same command with --constants, or privxray inspect FILE --constants."


def show_plan(shown: PlanHeader, changes: tuple[str, ...] | None, *, constants: bool) -> None:
    """Print what an officer decides by.

    :param changes: what is not as in the plan before; None where that is not known here.
    :param constants: print all that the plan fixes as well, and its roster with keys.
    """
    from privxray.exchange.messages.plan_words import public_constants
    from privxray.workflow.common.plan_sections import plan_rows

    table(f"Study {shown.study}, round {shown.round}", ("to decide by", ""), plan_rows(shown, changes))
    tell_remarks(shown)
    if not constants:
        line(MORE)
        return
    table(
        "All that it fixes",
        ("fixed by this plan", "value"),
        ((name, _plain(value)) for name, value in public_constants(shown).items() if value is not None),
    )
    table(
        f"Roster, version {shown.roster.version}; coordinator {shown.coordinator_name}",
        ("name", "role", "signing key"),
        ((party.name, _role(shown, party), party.keys.fingerprint[:16]) for party in shown.roster.parties),
    )


def tell_remarks(shown: PlanHeader) -> None:
    """Say what every recipient should know before it follows a plan."""
    for remark in shown.remarks():
        tell(f"Note: {remark}.")


def plan_json(shown: PlanHeader) -> dict[str, object]:
    """What ``--json`` says of a plan."""
    from privxray.exchange.messages.plan_words import public_constants

    return {
        "study": shown.study,
        "round": shown.round,
        "stage": shown.stage,
        "stages": shown.stages,
        "roster": {
            "version": shown.roster.version,
            "members": [m.name for m in shown.roster.members],
            "trustees": [t.name for t in shown.roster.trustees],
        },
        "terms": dict(public_constants(shown)),
        "remarks": _remarks(shown),
        **_tasks_json(shown),
    }


def _remarks(shown: PlanHeader) -> list[str]:
    from privxray.exchange.messages.plan_hybrid import masks_remark

    masks = masks_remark(shown.features)
    return [*shown.remarks(), *([] if masks is None else [f"the masks rest on {masks}"])]


def _tasks_json(shown: PlanHeader) -> dict[str, object]:
    if not shown.schedule:
        return {}
    from privxray.workflow.common.study_cost import whole_cost

    schedule = [entry.model_dump() for entry in shown.schedule]
    return {"task": shown.task, "schedule": schedule, "whole": whole_cost(shown).to_json()}


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _role(shown: PlanHeader, party: Member | Trustee) -> str:
    sits = shown.committee is not None and shown.committee.seat(party.keys.fingerprint) is not None
    return f"{party.role}, keyholder" if sits else party.role
