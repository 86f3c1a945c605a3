"""What a scan of one file gives: its findings, and what the check of the whole set needs to know.

Values of the file are among it. They stay in memory and never reach a report. Tested with the scans.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from privxray.deid.findings.report import Finding

ValueKind: TypeAlias = Literal["name", "id", "date", "place"]
IdentifyingValue: TypeAlias = tuple[ValueKind, str]
"""A value that identifies somebody, and what it is. Private."""


@dataclass(slots=True)
class FileRelations:
    """What relates one file to the others of its set; a field is empty where the file does not say. Private.

    :ivar instance, series, study: UIDs. :ivar patient: Patient ID. :ivar name, birth_date: of the patient.
    :ivar study_date, series_date: eight digits; empty too unless the profile shifts dates.
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

    :ivar findings: in the order of the file, then what only the whole file tells.
    :ivar damage: a fixed text if the file could not be read to its end, else empty.
    :ivar hidden: identifying values of the file, for :func:`privxray.naming.public_names.public_name` only.
    :ivar undisguised: identifying values that the file has in identifying attributes without disguise.
    :ivar relations: None for a file that is not DICOM.
    """

    findings: list[Finding] = field(default_factory=list)
    damage: str = ""
    hidden: set[str] = field(default_factory=set)
    undisguised: set[IdentifyingValue] = field(default_factory=set)
    relations: FileRelations | None = None
