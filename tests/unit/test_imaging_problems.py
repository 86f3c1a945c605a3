"""Problems are told all at once: a lone one as it is, several of one kind together, several kinds as one."""

from __future__ import annotations

import pytest

from privxray.errors import MalformedError, RefusedError
from privxray.imaging.labelling.label_rules import broken_row
from privxray.imaging.labelling.problems import SHOWN, Problems


def empty(row: int) -> MalformedError:
    return broken_row("labels.csv", row, "label", reason="labels.empty-cell")


def test_no_problem_raises_nothing() -> None:
    problems = Problems("labels.csv")
    assert not problems
    problems.raise_any()


def test_a_lone_problem_is_raised_as_it_is() -> None:
    problems, error = Problems("labels.csv"), empty(2)
    problems.add(error, "row 2")
    with pytest.raises(MalformedError) as caught:
        problems.raise_any()
    assert caught.value is error
    assert str(error) == "labels.csv: row 2, column `label`, is empty. Fill the cell in, or remove the row"
    assert error.places == {"labels.empty-cell": ("row 2",)}


def test_several_of_one_kind_have_their_count_and_first_places() -> None:
    problems = Problems("labels.csv")
    for row in range(2, 20):
        problems.add(empty(row), f"row {row}")
    with pytest.raises(MalformedError) as caught:
        problems.raise_any()
    assert caught.value.reason == "labels.empty-cell"
    shown = ", ".join(f"row {row}" for row in range(3, 3 + SHOWN))
    assert caught.value.what == f"row 2, column `label`, is empty; the same holds for 17 more ({shown}, ...)"
    assert len(caught.value.places["labels.empty-cell"]) == 18


def test_several_kinds_are_one_error_that_counts_them() -> None:
    problems = Problems("labels.csv")
    problems.add(empty(2), "row 2")
    problems.add(RefusedError("this image is twice", reason="x.y", file="im1.png"), "row 3")
    problems.add(empty(4), "row 4")
    with pytest.raises(MalformedError) as caught:
        problems.raise_any()
    assert caught.value.reason == "ingest.several-problems"
    assert caught.value.what == (
        "3 problems of 2 kinds, so no image was taken in: (1) row 2, column `label`, is empty; the same "
        "holds for 1 more (row 4); (2) im1.png: this image is twice"
    )
    assert caught.value.places == {"labels.empty-cell": ("row 2", "row 4"), "x.y": ("row 3",)}
