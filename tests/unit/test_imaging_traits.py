"""What is kept of a patient's sex, age and groups: coarse values, and never a name or a date."""

from __future__ import annotations

from pathlib import Path

import pytest

from privxray.errors import MalformedError
from privxray.imaging.labelling.patient_traits import is_trait, place_of_value, trait
from privxray.imaging.labels import read_labels


@pytest.mark.parametrize(
    ("column", "cell", "kept"),
    [
        ("sex", "F", "F"),
        ("sex", " weiblich ", "F"),
        ("sex", "male", "M"),
        ("sex", "Quackenbush", "other"),
        ("sex", "", None),
        ("age", "0", "under 1"),
        ("age", "0.9", "under 1"),
        ("age", "1", "1 to 5"),
        ("age", "5,5", "1 to 5"),
        ("age", "6", "6 to 12"),
        ("age", "012Y", "6 to 12"),
        ("age", "011M", "under 1"),
        ("age", "024M", "1 to 5"),
        ("age", "003W", "under 1"),
        ("age", "17", "13 to 17"),
        ("age", "18", "18 to 64"),
        ("age", "65", "65 and over"),
        ("age", "105", "65 and over"),
        ("age", "6 to 12", "6 to 12"),
        ("age", "2021-05-04", None),
        ("age", "Quackenbush", None),
        ("group_device", "CR 2", "CR 2"),
        ("group_device", "Quackenbush^Zephyrine", "other"),
        ("group_device", "x" * 25, "other"),
    ],
)
def test_what_is_kept_of_a_cell(column: str, cell: str, kept: str | None) -> None:
    assert trait(column, cell) == kept


def test_which_columns_group_patients() -> None:
    assert [c for c in ("sex", "age", "group_ward", "group_", "group", "name", "label") if is_trait(c)] == [
        "sex",
        "age",
        "group_ward",
    ]


@pytest.mark.parametrize("values", [12, 13])
def test_a_column_that_could_be_one_of_names_is_refused(values: int, tmp_path: Path) -> None:
    lines = ["image,patient,label,group_x,name"]
    for number in range(values):
        (tmp_path / f"im{number}.png").touch()
        lines.append(f"im{number}.png,p{number},normal,Quackenbush {number},Zephyrine")
    csv = tmp_path / "labels.csv"
    csv.write_text("\n".join(lines))
    if values <= 12:
        rows = read_labels(csv, tmp_path, None)
        assert [row.traits for row in rows][:2] == [
            {"group_x": "Quackenbush 0"},
            {"group_x": "Quackenbush 1"},
        ]
        return
    with pytest.raises(MalformedError) as refused:
        read_labels(csv, tmp_path, None)
    assert refused.value.reason == "labels.too-many-groups"
    assert "Quackenbush" not in str(refused.value)


def test_bands_of_age_are_sorted_by_age() -> None:
    values = ["6 to 12", "unknown", "under 1", "65 and over", "1 to 5"]
    assert sorted(values, key=place_of_value) == ["under 1", "1 to 5", "6 to 12", "65 and over", "unknown"]
