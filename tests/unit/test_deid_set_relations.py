"""Relations between the files of a set: which break, at which file, and that empty values relate nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from privxray.deid.judging.scan import FileRelations
from privxray.deid.judging.set_relations import SetRelations

FIRST = FileRelations(
    instance="1.1",
    series="1.2",
    study="1.3",
    patient="P1",
    name="N1",
    birth_date="19520101",
    study_date="20230101",
    series_date="20230102",
)


def broken(*files: FileRelations) -> list[list[tuple[str, str]]]:
    relations = SetRelations()
    return [[(found.rule, found.where) for found in relations.add(file)] for file in files]


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"instance": "1.9"}, []),
        ({"series": "1.9", "series_date": "20230103"}, [("set-instance", "(0008,0018)")]),
        ({"instance": "1.9", "study": "1.9"}, [("set-series", "(0020,000E)")]),
        ({"instance": "1.9", "patient": "P2"}, [("set-study", "(0020,000D)")]),
        ({"instance": "1.9", "name": "N2"}, [("set-patient", "(0010,0010)")]),
        ({"instance": "1.9", "birth_date": "19520102"}, [("set-patient", "(0010,0030)")]),
        ({"instance": "1.9", "study_date": "20230104"}, [("set-dates", "(0008,0020)")]),
        ({"instance": "1.9", "series_date": "20230104"}, [("set-dates", "(0008,0021)")]),
    ],
)
def test_a_broken_relation_is_found_at_the_file_that_breaks_it(
    changes: dict[str, str], rules: list[tuple[str, str]]
) -> None:
    assert broken(FIRST, FIRST, replace(FIRST, **changes)) == [[], [], rules]


def test_what_is_empty_relates_nothing() -> None:
    empty = FileRelations()
    assert broken(FIRST, empty, replace(FIRST, name="", birth_date="", study_date="", series_date="")) == [
        [],
        [],
        [],
    ]
