"""How a plan is shown before anybody trusts it.

Tested in tests/cli/test_terminal.py and tests/cli/test_study.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.cli.output import table, tell

if TYPE_CHECKING:
    from privxray.exchange.messages.plan import PlanHeader
    from privxray.keys.roster import Member, Trustee


def show_plan(shown: PlanHeader) -> None:
    """Print what a plan fixes, and its roster."""
    from privxray.exchange.messages.plan_words import place_in_words

    table(
        f"Study {shown.study}, round {shown.round} ({place_in_words(shown)})",
        ("fixed by this plan", "value"),
        ((name, _plain(value)) for name, value in shown.public_constants().items() if value is not None),
    )
    tell_remarks(shown)
    table(
        f"Roster, version {shown.roster.version}; coordinator {shown.coordinator_name}",
        ("name", "role", "signing key"),
        ((party.name, _role(shown, party), party.keys.fingerprint[:16]) for party in shown.roster.parties),
    )


def tell_remarks(shown: PlanHeader) -> None:
    """Say what every recipient should know before it follows a plan."""
    if shown.schedule:
        from privxray.workflow.common.study_cost import whole_cost

        tasks = ", then ".join(str(entry) for entry in shown.schedule)
        tell(f"The study is to {tasks}. All of it together costs a patient at most {whole_cost(shown)}.")
    for remark in shown.remarks():
        tell(f"Note: {remark}.")


def plan_json(shown: PlanHeader) -> dict[str, object]:
    """What ``--json`` says of a plan."""
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
        "terms": dict(shown.public_constants()),
        "remarks": list(shown.remarks()),
        **_tasks_json(shown),
    }


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
