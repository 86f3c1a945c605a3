"""When two sums show one hospital's vector, and are warned of."""

from __future__ import annotations

import pytest

from privxray.exchange.admission.differencing import differs_by_one


@pytest.mark.parametrize(
    ("before", "after", "warned"),
    [
        ("abcd", "abc", True),
        ("abc", "abcd", True),
        ("abc", "abc", False),
        ("abcd", "abce", False),
        ("abcde", "abc", False),
        ("", "abc", False),
        ("", "a", False),
        ("a", "", True),
    ],
)
def test_only_a_difference_of_one_hospital_is_warned_of(before: str, after: str, warned: bool) -> None:
    warnings = differs_by_one(set(before), set(after))
    assert len(warnings) == int(warned)
    assert all("each patient keeps the plan's epsilon" in warning for warning in warnings)
