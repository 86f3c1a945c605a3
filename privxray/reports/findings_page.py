"""The page of a check: one HTML file that needs nothing else, neither a script nor a network."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from privxray.deid.findings.report import FileReport, Finding, Report
from privxray.deid.findings.rules import RULES
from privxray.reports.rendering import render

PLACES = 6
"""Places of one rule and file that the page names; the csv has all."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A small picture of a flagged frame.

    :param file: the file's public name.
    :param url: as :func:`privxray.reports.thumbnails.thumbnail` gives it.
    :param errors: how many places of text are first seen in it. :param notices: how many markers.
    """

    file: str
    frame: int
    url: str
    errors: int
    notices: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page says beside the report itself.

    :param version: of privxray. :param when: date and time in words, with the zone.
    :param options: what was typed, in public words.
    :param searched: files whose pixels were searched for text; None where none were.
    :param with_text: of those, the ones in which text or a marker was found.
    :param silent: the ones in which none was.
    :param cut_short: the ones that could not be searched to their end, and had none so far.
    :param pictures: small pictures. :param left_out: how many more there would be.
    """

    version: str
    when: str
    options: Sequence[str]
    searched: int | None = None
    with_text: int = 0
    silent: int = 0
    cut_short: int = 0
    pictures: Sequence[Shown] = ()
    left_out: int = 0


def page(report: Report, facts: Facts) -> str:
    """The page as HTML text."""
    verdicts = Counter(file.verdict for file in report.files)
    digest, hashed = set_digest(report.files)
    return render(
        "check.html",
        report=report,
        facts=facts,
        verdicts={verdict: verdicts.get(verdict, 0) for verdict in ("pass", "fail", "error")},
        rules=_by_rule(report.files),
        digest=digest,
        hashed=hashed,
        places=PLACES,
        lines=_lines,
    )


def set_digest(files: Sequence[FileReport]) -> tuple[str, int]:
    """SHA-256 of the set, and how many files are in it.

    It is taken over the files' own digests in lower-case hex, sorted, one a line, so that names and order
    don't matter and ``sha256sum FILES | cut -c1-64 | sort | sha256sum`` gives it too.
    """
    digests = sorted(file.sha256 for file in files if file.sha256)
    return hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode()).hexdigest(), len(digests)


@dataclass(frozen=True, slots=True)
class _Line:
    severity: str
    reason: str
    places: Sequence[str]


def _lines(file: FileReport) -> list[_Line]:
    """A file's findings, errors first, those of one rule in one line."""
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


def _by_rule(files: Sequence[FileReport]) -> list[Mapping[str, object]]:
    """Rules that have findings: errors first, then by how many files they concern."""
    findings: Counter[str] = Counter()
    concerned: Counter[str] = Counter()
    for file in files:
        findings.update(finding.rule for finding in file.findings)
        concerned.update({finding.rule for finding in file.findings})
    order = sorted(findings, key=lambda rule: (RULES[rule].severity != "error", -concerned[rule], rule))
    return [{"rule": RULES[rule], "findings": findings[rule], "files": concerned[rule]} for rule in order]
