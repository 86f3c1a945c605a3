"""What a check hands on about one file: findings, and what the check of the whole set needs from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from privxray.deid.findings.report import Finding

ValueKind: TypeAlias = Literal["name", "id", "date", "place"]
IdentifyingValue: TypeAlias = tuple[ValueKind, str]
"""An identifying value and what it is. Private."""


@dataclass(slots=True)
class FileRelations:
    """What one file says of its place in the set. Private: the values are the file's own.

    :ivar instance, series, study: UIDs. :ivar patient: Patient ID. :ivar name, birth_date: of the patient.
    :ivar study_date, series_date: eight digits, where the profile shifts dates. Empty where there is none.
    """

    instance: str = ""
    series: str = ""
    study: str = ""
    patient: str = ""
    name: str = ""
    birth_date: str = ""
    study_date: str = ""
    series_date: str = ""


@dataclass(slots=True)
class Scan:
    """What was found in one file.

    :ivar findings: in the order of the file, then what the whole file tells.
    :ivar damage: a fixed text where the file could not be read to its end, else empty.
    :ivar hidden: identifying values of the file, for :func:`privxray.naming.public_names.public_name` only.
    :ivar undisguised: values in identifying attributes that are there undisguised.
    :ivar relations: None for what is no DICOM file.
    """

    findings: list[Finding] = field(default_factory=list)
    damage: str = ""
    hidden: set[str] = field(default_factory=set)
    undisguised: set[IdentifyingValue] = field(default_factory=set)
    relations: FileRelations | None = None
