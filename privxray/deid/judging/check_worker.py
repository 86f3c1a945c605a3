"""The worker process of the check: the messages that it takes, and scans as JSON.

:mod:`privxray.deid.workers.worker_pool` starts it and calls :func:`main`. It keeps nothing of a file for the
    next one. Tested with the pool.
"""

from __future__ import annotations

from dataclasses import astuple
from functools import lru_cache
from typing import Any

from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.file_scan import scan_file, search_file
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import FileRelations, Scan
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_json import profile_from_json
from privxray.deid.sources.source_file import SourceFile
from privxray.deid.workers.worker_loop import serve


class _CheckWorker:
    """Holds what the messages said that set it up."""

    def __init__(self) -> None:
        self._profile = Profile()
        self._leaks = LeakSearch()

    def handle(self, message: dict[str, Any]) -> dict[str, Any] | None:
        if "profile" in message:
            self._profile = profile_from_json(message["profile"])
            return None
        if "leaks" in message:
            self._leaks = LeakSearch.from_json(message["leaks"])
            return None
        file = SourceFile.from_json(message["file"])
        if message["do"] == "search":
            return {"findings": list(map(_flat, search_file(file, self._leaks, mapped=True)))}
        scan, digest = scan_file(file, self._profile, digest=message["digest"], mapped=True)
        return scan_to(scan) | {"sha256": digest}


def main() -> None:
    """Check files for the pool until stdin ends."""
    serve(_CheckWorker().handle)


def scan_to(scan: Scan) -> dict[str, Any]:
    """A scan as JSON."""
    relations = scan.relations
    return {
        "findings": list(map(_flat, scan.findings)),
        "damage": scan.damage,
        "hidden": sorted(scan.hidden),
        "undisguised": sorted(scan.undisguised),
        "relations": None if relations is None else astuple(relations),
    }


def scan_from(value: dict[str, Any]) -> Scan:
    """The inverse of :func:`scan_to`."""
    return Scan(
        findings=findings_from(value),
        damage=value["damage"],
        hidden=set(value["hidden"]),
        undisguised={(kind, text) for kind, text in value["undisguised"]},
        relations=None if value["relations"] is None else FileRelations(*value["relations"]),
    )


def findings_from(value: dict[str, Any]) -> list[Finding]:
    """The findings in the answer to a scan or a search."""
    return list(map(_finding, value["findings"]))


def _flat(finding: Finding) -> str:
    return f"{finding.rule}\n{finding.where}\n{finding.reason}"


@lru_cache(maxsize=1 << 16)
def _finding(flat: str) -> Finding:
    """The inverse of :func:`_flat`. Files of one device fail alike, so most findings come again."""
    rule, where, reason = flat.split("\n")
    return Finding(rule, rules.RULES[rule].severity, where, reason)
