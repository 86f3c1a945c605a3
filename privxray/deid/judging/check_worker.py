"""The worker process of the check: which messages it takes, and how scans travel as JSON.

:mod:`privxray.deid.judging.worker_pool` starts it and calls :func:`main`. It keeps nothing of one file for
the next. Tested by the pool's tests.
"""

from __future__ import annotations

from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import Any

from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.file_scan import scan_file, search_file
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import FileRelations, Scan
from privxray.deid.judging.worker_loop import serve
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_json import profile_from_json


class _CheckWorker:
    """Holds what the set-up messages said."""

    def __init__(self) -> None:
        self._profile = Profile()
        self._leaks = LeakSearch()

    def handle(self, message: dict[str, Any]) -> dict[str, Any] | None:
        if "profile" in message:
            self._profile = profile_from_json(message["profile"])
            return None
        if "words" in message:
            self._leaks = LeakSearch.of(
                message["words"], message["dates"], message["phrases"], accented=message["accented"]
            )
            return None
        path = Path(message["path"])
        if message["do"] == "search":
            return {"findings": list(map(_flat, search_file(path, self._leaks, mapped=True)))}
        scan, digest = scan_file(path, self._profile, digest=message["digest"], mapped=True)
        return scan_to(scan) | {"sha256": digest}


def main() -> None:
    """Check files for the pool until stdin ends."""
    serve(_CheckWorker().handle)


def scan_to(scan: Scan) -> dict[str, Any]:
    """A scan as JSON, for the process that asked for it."""
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
    """The findings of a scan or a search."""
    return list(map(_finding, value["findings"]))


def _flat(finding: Finding) -> str:
    return f"{finding.rule}\n{finding.where}\n{finding.reason}"


@lru_cache(maxsize=1 << 16)
def _finding(flat: str) -> Finding:
    """Files of one device fail alike, so most findings are known."""
    rule, where, reason = flat.split("\n")
    return Finding(rule, rules.RULES[rule].severity, where, reason)
