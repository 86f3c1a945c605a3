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
    table(
        f"Study {shown.study}, round {shown.round} (training round {shown.stage} of {shown.stages})",
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
    }


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _role(shown: PlanHeader, party: Member | Trustee) -> str:
    sits = shown.committee is not None and shown.committee.seat(party.keys.fingerprint) is not None
    return f"{party.role}, keyholder" if sits else party.role
