"""The page of a check: one HTML file that needs no script, no other file and no network."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from privxray.deid.findings.remedies import Remedy
from privxray.deid.findings.report import FileReport, Finding, Report
from privxray.deid.findings.rules import RULES
from privxray.reports.rendering import render_pieces
from privxray.workspace.disk_tables import sorted_on_disk

PLACES = 6
"""Most places that the page names for one rule in one file; the csv has all."""


@dataclass(frozen=True, slots=True)
class FlaggedFrame:
    """A small picture of a frame that text was found in.

    :ivar file: the file's public name.
    :ivar url: what :func:`privxray.reports.thumbnails.thumbnail` gives.
    :ivar errors: how many places of text are first seen in it. :ivar notices: how many markers.
    """

    file: str
    frame: int
    url: str
    errors: int
    notices: int


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """What the page says beside the report itself.

    :ivar version: of privxray. :ivar when: date and time in words, with the zone.
    :ivar options: what was typed, in public words.
    :ivar searched: files whose pixels were searched for text; None where none were.
    :ivar with_text: of those, files in which text or a marker was found.
    :ivar without_text: files in which neither was found.
    :ivar cut_short: files that could not be searched to their end, and in which nothing was found so far.
    :ivar pictures: small pictures. :ivar left_out: how many more there would be.
    :ivar compared: what came of comparing with the originals: what, and in how many files.
    """

    version: str
    when: str
    options: Sequence[str]
    searched: int | None = None
    with_text: int = 0
    without_text: int = 0
    cut_short: int = 0
    pictures: Sequence[FlaggedFrame] = ()
    left_out: int = 0
    compared: Sequence[tuple[str, int]] = ()


def check_page(report: Report, facts: CheckFacts) -> Iterator[str]:
    """The page as pieces of HTML text: of a large set it is too long for memory."""
    verdicts = Counter(file.verdict for file in report.files)
    digest, hashed = set_digest(report.files)
    return render_pieces(
        "check.html",
        report=report,
        facts=facts,
        verdicts={verdict: verdicts.get(verdict, 0) for verdict in ("pass", "fail", "error")},
        groups=_by_remedy(report.files),
        digest=digest,
        hashed=hashed,
        places=PLACES,
        lines=_lines,
    )


def set_digest(files: Sequence[FileReport]) -> tuple[str, int]:
    """SHA-256 of the set, and how many files are in it.

    It is the digest of the files' own digests in lower-case hex, sorted, one a line. So names and order don't
    matter, and ``sha256sum FILES | cut -c1-64 | sort | sha256sum`` gives it too.
    """
    whole, count = hashlib.sha256(), 0
    for digest in sorted_on_disk(bytes.fromhex(file.sha256) for file in files if file.sha256):
        whole.update(f"{digest.hex()}\n".encode())
        count += 1
    return whole.hexdigest(), count


@dataclass(frozen=True, slots=True)
class _Line:
    severity: str
    reason: str
    places: Sequence[str]


def _lines(file: FileReport) -> list[_Line]:
    """A file's findings, errors first, with those of one rule in one line."""
    together: dict[str, list[Finding]] = {}
    for finding in file.findings:
        together.setdefault(finding.rule, []).append(finding)
    lines = [
        _Line(
            findings[0].severity,
            findings[0].reason if len(findings) == 1 else RULES[rule].says,
            [finding.where for finding in findings],
        )
        for rule, findings in together.items()
    ]
    return sorted(lines, key=lambda line: line.severity != "error")


def _by_remedy(files: Sequence[FileReport]) -> list[Mapping[str, object]]:
    """Rules that have findings in groups, by what to do; in each those first that concern most files."""
    findings: Counter[str] = Counter()
    concerned: Counter[str] = Counter()
    for file in files:
        findings.update(finding.rule for finding in file.findings)
        concerned.update({finding.rule for finding in file.findings})
    order = sorted(findings, key=lambda rule: (-concerned[rule], rule))
    groups: dict[Remedy, list[Mapping[str, object]]] = {remedy: [] for remedy in Remedy}
    for rule in order:
        row = {"rule": RULES[rule], "findings": findings[rule], "files": concerned[rule]}
        groups[RULES[rule].do].append(row)
    return [{"remedy": remedy, "rules": rows} for remedy, rows in groups.items() if rows]
