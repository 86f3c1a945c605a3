"""How many patients a guarantee is meant for.

Tested in tests/unit/test_workflow_ledger.py and tests/cli/test_ledger.py.
"""

from __future__ import annotations

from privxray.errors import RefusedError
from privxray.exchange.messages.plan import PlanHeader
from privxray.privacy.guarantee import promises_something
from privxray.privacy.ledger import Ledger


def refuse_too_many(patients: int, n_max: int, plan: PlanHeader, ledger: Ledger) -> None:
    """Compare the number of patients with what plan and ledger mean by their deltas. It is not told.

    :param n_max: the plan's constant: the most training patients of a hospital that its delta is meant for.
    :raises RefusedError: more than ``n_max``, or so many that the ledger's delta promises nothing.
    """
    if patients > n_max:
        raise RefusedError(
            f"there are more patients to train on than the {n_max:,} that the plan's delta {plan.delta:g} is "
            "meant for (its constant n_max); nothing was spent",
            reason="patients.more-than-planned",
            advice="Ask the coordinator for a plan with a larger n_max and a smaller delta",
        )
    if not promises_something(ledger.limit.delta, patients):
        raise RefusedError(
            f"with so many patients the ledger's delta {ledger.limit.delta:g} promises nothing to a single "
            "one; nothing was spent",
            reason="patients.more-than-ledger",
            file=ledger.path,
            advice="Train on fewer of them",
        )
