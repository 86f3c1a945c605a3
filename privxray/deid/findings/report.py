"""What a check hands back. Tested with the check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from privxray.deid.sources.source_file import SourceFile

Severity = Literal["error", "notice"]
Verdict = Literal["pass", "fail", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says about one place in a file.

    :param rule: identifier of a rule in :mod:`privxray.deid.findings.rules`.
    :param severity: an ``error`` fails the file, a ``notice`` does not.
    :param where: such as ``(0010,0010)`` or ``(0040,A730)[0]/(0010,0010)``; a JPEG segment or PNG chunk;
        ``preamble``, ``path`` or ``file``.
    :param reason: a fixed text, at most with a name from the standard's tables; never a value.
    """

    rule: str
    severity: Severity
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileReport:
    """The verdict on one file.

    :param name: its public name, see :func:`privxray.naming.public_names.public_name`.
    :param source: where it really is. Private: a path may hold a patient's name.
    :param verdict: ``error`` means that the file could not be checked to its end, which fails it too.
    :param sha256: digest of the bytes that were checked, in lower case; empty if they could not be read, or
        if nobody asked for it.
    :param number: its position, from 1, among the files that the user can list; 0 for a file by itself.
    """

    name: str
    source: SourceFile
    verdict: Verdict
    findings: tuple[Finding, ...]
    sha256: str
    number: int = 0

    @property
    def path(self) -> Path:
        """The file on the disk, or the zip that it lies in. Private as well."""
        return self.source.path

    def to_json(self) -> dict[str, Any]:
        """What ``privxray check --json`` and ``--jsonl`` print of it: no real path and no digest."""
        return {
            "file": self.name,
            "verdict": self.verdict,
            "findings": [
                {
                    "rule": finding.rule,
                    "severity": finding.severity,
                    "where": finding.where,
                    "reason": finding.reason,
                }
                for finding in self.findings
            ],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The verdicts on a set of files.

    :param files: sorted by path. Of a large set they lie on the disk, and are read one by one.
    :param skipped: how many files of the folders were passed over because they are not images.
    :param indexes: how many DICOMDIR were left out, which are no images but name patients.
    :param missing: files that a DICOMDIR names and that are not there, in public words.
    :param profile: the profile and its options in words, see
        :attr:`privxray.deid.profile.profile.Profile.summary`.
    """

    files: Sequence[FileReport]
    skipped: int = 0
    profile: str = "profile basic"
    indexes: int = 0
    missing: tuple[str, ...] = ()

    @property
    def verdict(self) -> Literal["pass", "fail"]:
        """``pass`` only if every file passes."""
        return "pass" if all(file.verdict == "pass" for file in self.files) else "fail"

    def to_json(self) -> dict[str, Any]:
        """The object that ``privxray check --json`` prints. It holds no real path and no digest."""
        return {
            "verdict": self.verdict,
            "profile": self.profile,
            "files": [file.to_json() for file in self.files],
        }


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """``fail`` if any finding is an error, ``pass`` otherwise."""
    return "fail" if any(finding.severity == "error" for finding in findings) else "pass"
