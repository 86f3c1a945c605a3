"""How a plan is shown before anybody trusts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.cli.output import table

if TYPE_CHECKING:
    from privxray.exchange.plan import PlanHeader


def show_plan(shown: PlanHeader) -> None:
    table(
        f"Study {shown.study}, round {shown.round} (training round {shown.stage} of {shown.stages})",
        ("fixed by this plan", "value"),
        ((name, _plain(value)) for name, value in shown.public_constants().items()),
    )
    table(
        f"Roster, version {shown.roster.version}; coordinator {shown.coordinator_name}",
        ("hospital", "signing key"),
        ((member.name, member.keys.fingerprint[:16]) for member in shown.roster.members),
    )


def plan_json(shown: PlanHeader) -> dict[str, object]:
    return {
        "study": shown.study,
        "round": shown.round,
        "stage": shown.stage,
        "stages": shown.stages,
        "roster": {"version": shown.roster.version, "members": [m.name for m in shown.roster.members]},
        "terms": dict(shown.public_constants()),
    }


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
