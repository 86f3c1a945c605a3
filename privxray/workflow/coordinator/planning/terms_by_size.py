"""What the sizes that hospitals state make of a plan's terms: its delta, its n_max, what one hospital weighs.

Tested in tests/cli/test_sizes.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pydantic import JsonValue

from privxray.errors import UsageError
from privxray.exchange.messages.plan_sizes import N_MAX, WEIGHT_CAP
from privxray.formats.features import SIZES
from privxray.keys.brackets import advised_delta
from privxray.workflow.coordinator.planning.enrolment import Parties

if TYPE_CHECKING:
    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod
    from privxray.privacy.guarantee import Guarantee

DEFAULT_DELTA: Final = 1e-5
"""The largest delta of a plan whose coordinator typed none."""
_NOISY_COUNT: Final = 1.1
"""Noise may make a hospital's patients a few more than they are; what is more than this is cut."""


def largest_size(parties: Parties) -> int | None:
    """The largest bracket that a hospital states; None in a plan without sizes."""
    if SIZES not in parties.form.features:
        return None
    return max(member.size.bracket for member in parties.roster.members if member.size)


def default_delta(bound: int | None) -> float:
    """The delta of a plan whose coordinator typed none.

    :param bound: the largest bracket of its hospitals; None where they state none.
    """
    return DEFAULT_DELTA if bound is None else min(DEFAULT_DELTA, advised_delta(bound))


def constants_by_size(
    method: AnyMethod, constants: MethodConstants, bound: int, limit: Guarantee
) -> MethodConstants:
    """Constants with what follows from the largest bracket: ``n_max``, and what one hospital weighs at most.

    :param limit: of the study.
    """
    stated = constants.stated()
    by_size: dict[str, JsonValue] = {N_MAX: bound}
    if WEIGHT_CAP in stated:
        most = math.ceil(_NOISY_COUNT * bound * method.patient_weight(constants, limit))
        by_size[WEIGHT_CAP] = float(min(stated[WEIGHT_CAP], bound, most))
    return method.constants({**stated, **by_size})


def expect_of_sizes(typed: Mapping[str, JsonValue], bound: int) -> None:
    """Constants that follow from the hospitals' sizes can't be typed otherwise.

    :raises UsageError: one is.
    """
    if typed.get(N_MAX, bound) != bound:
        raise UsageError(
            f"the constant n_max can't be {typed[N_MAX]}: it is {bound:,}, the most patients that one of the "
            "hospitals states",
            reason="plan.n-max-typed",
            advice="Leave n_max out; a hospital states its size with privxray card --patients-up-to N",
        )
    weight = typed.get(WEIGHT_CAP, bound)
    if isinstance(weight, int | float) and weight > bound:
        raise UsageError(
            f"the constant weight_cap can't be {weight:g}: it is at most {bound:,}, the most patients that "
            "one of the hospitals states",
            reason="plan.weight-cap-typed",
            advice="Leave weight_cap out, or make it smaller",
        )
