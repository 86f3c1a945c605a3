"""One row of the csv of labels. Tested in tests/unit/test_imaging_labels.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from privxray.naming.patient_id import PatientId

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the csv, which is one image.

    ``repr`` shows the number only, so that no debugging output names a patient.

    :ivar number: the row's number as a spreadsheet counts it.
    :ivar relative: the image's path below the folder of images, as it is spelled on the disk.
    :ivar patient: as the csv names the patient, in Unicode's form NFC; None where it has no such column.
    :ivar label: a class of the study; as the csv has it where no study is known.
    :ivar split: None where the csv leaves it to the data set.
    :ivar site: None where the csv has no such column.
    :ivar traits: what is kept of the columns that group patients, by column; empty cells are not in it.
    :ivar typed_label: as the csv has it.
    """

    number: int
    relative: PurePosixPath
    patient: PatientId | None
    label: str
    split: Split | None
    site: str | None
    traits: Mapping[str, str] = field(default_factory=dict)
    typed_label: str = ""

    def __repr__(self) -> str:
        return f"Row({self.number})"
