"""One file's check, and the process that runs it for many (``python -c BOOT``, see
:mod:`privxray.deid.judging.worker_pool`).

A worker reads one JSON line a task on stdin and writes one JSON line of outcome on stdout. It keeps nothing
between files. It ignores Ctrl-C, which goes to every process of a terminal: its end is the end of its stdin,
so that it can't outlive the process that started it. Nothing it could say about a file goes to stderr.
"""

from __future__ import annotations

import json
import signal
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.dicom_scan import Facts, Scan
from privxray.deid.judging.examine import search, work
from privxray.deid.judging.leaks import Leaks
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_json import profile_from


def main() -> None:
    """Serve the pool until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    profile, leaks = Profile(), Leaks()
    tasks, outcomes = sys.stdin.buffer, sys.stdout.buffer
    for line in tasks:
        task = json.loads(line)
        if "profile" in task:
            profile = profile_from(task["profile"])
            continue
        if "words" in task:
            leaks = Leaks.of(task["words"], task["dates"], task["phrases"], accented=task["accented"])
            continue
        path = Path(task["path"])
        if task["do"] == "search":
            outcome: dict[str, Any] = {"findings": list(map(_flat, search(path, leaks, mapped=True)))}
        else:
            scan, digest = work(path, profile, digest=task["digest"], mapped=True)
            outcome = scan_to(scan) | {"sha256": digest}
        outcomes.write(json.dumps(outcome, separators=(",", ":")).encode("ascii") + b"\n")
        outcomes.flush()


def scan_to(scan: Scan) -> dict[str, Any]:
    """A scan as JSON, for the process that asked for it."""
    facts = scan.facts
    return {
        "findings": list(map(_flat, scan.findings)),
        "damage": scan.damage,
        "hidden": sorted(scan.hidden),
        "terms": sorted(scan.terms),
        "facts": None if facts is None else [getattr(facts, name) for name in Facts.__slots__],
    }


def scan_from(value: dict[str, Any]) -> Scan:
    """The inverse of :func:`scan_to`."""
    return Scan(
        findings=findings_from(value),
        damage=value["damage"],
        hidden=set(value["hidden"]),
        terms={(kind, text) for kind, text in value["terms"]},
        facts=None if value["facts"] is None else Facts(*value["facts"]),
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
