"""What ``ingest`` says of what it did. Tested in tests/cli/test_ingest_comparison.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from privxray.cli.options.passed_over import medium_json, medium_lines
from privxray.cli.output import counted

if TYPE_CHECKING:
    from privxray.workflow.hospital.ingest_images import IngestChoices, Ingested

_SHOWN = 6


def ingest_lines(done: Ingested, choices: IngestChoices) -> Iterator[str]:
    """All lines, in the order in which a person needs them."""
    report = done.report
    searched = "pixels were not searched for text"
    if choices.find is not None:
        searched = "no text but markers was found in their pixels"
    yield f"All {report.images:,} images passed the check; {searched}."
    if report.unlisted:
        yield f"{report.unlisted:,} images of the folder have no row in the csv, and were left out."
    if report.withdrawn:
        yield f"{counted(report.withdrawn, 'image')} of patients who withdrew left out."
    yield from medium_lines(0, report.missing, "")
    yield from _comparison(done, choices)
    yield from _labels(done)
    yield from _profile(done, choices)
    yield from _pictures(done)
    yield from _patients(done)
    if done.remark:
        yield f"Note: {done.remark}."


def _comparison(done: Ingested, choices: IngestChoices) -> Iterator[str]:
    """New, changed, unchanged, gone, and seen under another name."""
    found = done.report.comparison
    yield (
        f"Compared with the data set before: {found.new:,} new, {found.changed:,} changed, "
        f"{found.unchanged:,} unchanged, {found.gone:,} {'gone' if choices.replace else 'not in this csv'}."
    )
    if found.renamed:
        were = "was" if found.renamed == 1 else "were"
        yield (
            f"{counted(found.renamed, 'image')} of these {were} there under another name "
            "(other files with the same picture), and count once."
        )
    if found.gone and not choices.replace:
        yield (
            f"{counted(found.gone, 'image')} of the data set that this csv does not name "
            f"{'stays' if found.gone == 1 else 'stay'} in it. To take them out, type the command again with "
            "--replace."
        )


def _labels(done: Ingested) -> Iterator[str]:
    if done.report.mapped:
        read = ", ".join(f"{typed} as {meant} ({n})" for (typed, meant), n in done.report.mapped.items())
        kept = "; the map is that of an ingest before, and --map replaces it" if done.map_before else ""
        yield f"Labels read otherwise than written: {read}{kept}."


def _profile(done: Ingested, choices: IngestChoices) -> Iterator[str]:
    profile, before = done.report.profile, done.profile_before
    if before and before != profile:
        yield f"Judged by {profile}; the ingest before this one by {before}."
    else:
        yield f"Judged by {profile}{', as chosen before' if before and choices.profile is None else ''}."


def _pictures(done: Ingested) -> Iterator[str]:
    """What was refused, and what is odd."""
    from privxray.imaging.judging.one_picture import REFUSED, REMARKS

    refused: dict[str, list[str]] = {}
    for name, kind in done.report.refused:
        refused.setdefault(kind, []).append(name)
    for kind, names in refused.items():
        yield f"Refused and left out, for the picture is {REFUSED[kind]}: {_some(names)}."
    for kind, odd in done.report.remarks.items():
        yield f"Odd: {REMARKS[kind]}: {_some(odd)}."


def _patients(done: Ingested) -> Iterator[str]:
    if done.report.spellings:
        yield (
            "Odd: ids of patients that differ only by leading zeros, capitals, blanks or an ending .0: "
            f"{_some(done.report.spellings)}. If they are of one patient, write them alike, and --replace."
        )
    for split, count in done.trained_held_out.items():
        were = "was" if count == 1 else "were"
        yield (
            f"{counted(count, 'patient')} of the split {split} {were} in a training of this study; evaluate "
            "leaves them out."
        )


def _some(names: list[str] | tuple[str, ...]) -> str:
    """How many there are, and the names of the first ones."""
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names):,} ({', '.join(names[:_SHOWN])}{more})"


def ingest_json(done: Ingested, ocr: bool) -> dict[str, object]:
    """What ``--json`` says of it."""
    report = done.report
    return {
        "profile": report.profile,
        "pixels_searched": ocr,
        "images": report.images,
        "not_listed": report.unlisted,
        "added": report.added,
        "patients": report.patients,
        "counts": [
            {"split": split, "label": label, "images": images, "patients": patients}
            for (split, label), (images, patients) in sorted(report.counts.items())
        ],
        "comparison": asdict(report.comparison),
        "refused": [{"file": name, "kind": kind} for name, kind in report.refused],
        "remarks": {kind: list(names) for kind, names in report.remarks.items()},
        "other_spellings": list(report.spellings),
        "labels_mapped": [
            {"label": typed, "class": meant, "rows": rows} for (typed, meant), rows in report.mapped.items()
        ],
        "trained_on_held_out": dict(done.trained_held_out),
    } | medium_json(0, report.missing)
