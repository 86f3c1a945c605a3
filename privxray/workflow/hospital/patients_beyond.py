"""More patients than a hospital stated: a remark on its own screen, and never a refusal.

A refusal would tell the coordinator about one patient, for the hospital that is refused takes no part. So a
hospital trains whatever the number of its patients is, none included. What it stated bounds what delta means
to a patient and what the hospital weighs; epsilon and delta themselves hold for any number (docs/adr/0092).

Tested in tests/cli/test_sizes.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_sizes import N_MAX
from privxray.keys.identity import PublicKeys


def patients_beyond(
    patients: int, plan: PlanHeader, own: PublicKeys, *, counted: bool = False
) -> Iterator[str]:
    """What a person at this hospital should know of its number of patients; it is not told.

    :param patients: those to train on, or those that are counted.
    :param own: this hospital's keys.
    :param counted: whether they are only counted.
    """
    if not patients:
        nobody = "nobody is there to be counted" if counted else "the training split has no patient"
        yield f"{nobody}, so what leaves is noise alone"
    member = plan.roster.hospital(own.fingerprint)
    bound = member.size.bracket if member and member.size else plan.constants.get(N_MAX)
    if isinstance(bound, int) and patients > bound:
        yield (
            f"there are more patients {'here' if counted else 'to train on'} than the {bound:,} that the "
            "plan expects of this hospital, so its delta promises each of them less than it should; state "
            "more in your next card: privxray card --patients-up-to N"
        )


def beyond_stated(patients: int, stated: int | None) -> str | None:
    """A remark where a data set holds more patients than the hospital has stated; None where it does not.

    :param stated: the bracket of its last card, if it stated one.
    """
    if stated is None or patients <= stated:
        return None
    return (
        f"the data set holds more than the {stated:,} patients that this hospital has stated. Nothing is "
        "refused for that; state more in your next card: privxray card --patients-up-to N"
    )
