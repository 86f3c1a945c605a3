"""What the commands on images print. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from privxray.cli.json_models.printed import Printed, Split, absent


class PathWritten(Printed):
    """A file was written."""

    path: str


class ShardDone(Printed):
    """One of several machines has done its shard."""

    shard: str
    files: int
    files_of_all: int
    before: bool
    """It had been done before, and nothing was done now."""


class CheckTermsMerged(Printed):
    """The values to search for are in one file: ``check terms --merge``."""

    shards: int
    limited: bool
    """There are more than 100,000, and the others are left out."""


class CopyTermsMerged(Printed):
    """What the whole set says of its patients is in one file: ``deidentify terms --merge``."""

    shards: int


class FindingTold(Printed):
    """What one rule says about one place in a file. It never holds a value of the file."""

    rule: str
    """An identifier in docs/RULES.md."""
    severity: Literal["error", "notice"]
    where: str
    reason: str


class FileChecked(Printed):
    """The verdict on one file."""

    file: str
    """A public name of the file."""
    verdict: Literal["pass", "fail", "error"]
    findings: list[FindingTold]


class Place(Printed):
    """A place in an image that shows text."""

    frame: int
    x: int
    y: int
    width: int
    height: int
    confidence: float
    severity: Literal["error", "notice"]
    text: str = absent()
    """What was read there, with ``--show-text``."""


class PlaceInFile(Place):
    """The same, with its file."""

    file: str


class PixelCounts(Printed):
    """How many files' pixels were searched for text."""

    searched: int
    no_text_found: int


class PixelsSearched(PixelCounts):
    """What was found in the pixels."""

    boxes: list[PlaceInFile]


class Against(Printed):
    """What came of comparing copies with their originals; counts only."""

    originals: int
    originals_without_copy: int
    compared: dict[str, int]
    """Copies by how their original was found."""
    patient_only: int
    unmatched: int
    pictures: int
    pixels: dict[str, int]
    """Copies by what became of their pixels."""
    files_with: dict[str, int]
    """Copies by the rule that they break."""


class OfMedium(Printed):
    """What a command says of the sources besides, where there is something to say."""

    passed_over_files: list[str] = absent()
    """Files that are no images, with ``--list``."""
    medium_indexes: int = absent()
    """How many DICOMDIR there are."""
    missing_references: list[str] = absent()
    """Files that a DICOMDIR names and that are not there."""


class Checked(OfMedium):
    """The verdict on a set of files."""

    verdict: Literal["pass", "fail"]
    profile: str
    files: list[FileChecked]
    pixels: PixelsSearched | None
    """Null without ``--ocr``."""
    against: Against = absent()
    """With ``--against``."""


class FileLine(FileChecked):
    """A line of ``--jsonl``: a file."""

    boxes: list[Place] | None = absent()
    """With ``--ocr``; null where its pixels were not searched."""


class SetLine(OfMedium):
    """The last line of ``--jsonl``: the set."""

    verdict: Literal["pass", "fail"]
    profile: str
    files: int
    pixels: PixelCounts | None
    against: Against = absent()


class LabelsWritten(Printed):
    """A csv of labels was written, to be filled in."""

    file: str
    images: int
    without_patient: int
    passed_over: int


class Quarantined(Printed):
    """A file of which no copy was written."""

    file: str
    reason: str


class Deidentified(OfMedium):
    """Copies were written that pass the check."""

    profile: str
    pixels_searched: bool
    files: int
    made: int
    made_before: int
    passed_over: int
    blacked: int
    """Files in whose pixels text was blacked."""
    labels: int | None
    """Rows of the csv of labels that was written; null where none was asked for."""
    unlabelled: int
    quarantined: list[Quarantined]


class Compared(Printed):
    """The csv held against the data set as it was: counts of images."""

    new: int
    changed: int
    unchanged: int
    renamed: int
    gone: int


class Refused(Printed):
    """An image that was left out for what it shows."""

    file: str
    kind: str


class LabelMapped(Printed):
    """A label that stands for a class."""

    label: str
    meant: str = Field(alias="class")
    rows: int


class Ingested(OfMedium):
    """Images were taken into the data set. The counts are exact, so they stay inside the hospital."""

    profile: str
    pixels_searched: bool
    images: int
    not_listed: int
    added: int
    patients: int
    counts: list[Split]
    comparison: Compared
    refused: list[Refused]
    remarks: dict[str, list[str]]
    """What is odd, as names of images by its kind."""
    other_spellings: list[str]
    labels_mapped: list[LabelMapped]
    trained_on_held_out: dict[str, int]


class CrosswalkRead(Printed):
    """A crosswalk was looked up."""

    asked: int
    found: int
    rows: int


class ExtractorOutput(Printed):
    """A tensor that is read, and how its places become one vector."""

    name: str
    pool: Literal["none", "mean"]


class ExtractorDescribed(Printed):
    """What is in the file of a feature extractor."""

    sha256: str
    input: list[int]
    channels: int
    scale: float
    offset: float
    outputs: list[ExtractorOutput]
    dim: int
    """Numbers that an image becomes."""
    bytes: int
    shapes: dict[str, list[int | str | None]]
    operators: dict[str, int]
    milliseconds: float
    """An image, here."""


class ExtractorAdded(ExtractorDescribed):
    """It is in the workspace."""

    path: str
    already: bool


class ExtractorKept(Printed):
    """The file of an extractor in this workspace."""

    sha256: str
    bytes: int


class ExtractorsListed(Printed):
    """The files of extractors in this workspace."""

    extractors: list[ExtractorKept]
