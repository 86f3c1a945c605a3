"""One file's check, and the process that runs it for many (``python -c BOOT``, see
:mod:`privxray.deid.judging.worker_pool`).

A worker reads one JSON line a task on stdin and writes one JSON line of outcome on stdout. It keeps nothing
between files. It ignores Ctrl-C, which goes to every process of a terminal: its end is the end of its stdin,
so that it can't outlive the process that started it. Nothing it could say about a file goes to stderr.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import signal
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from privxray.deid.dicomfile.element import Data
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, read_file
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.dicom_scan import Facts, Scan, scan_dicom
from privxray.deid.judging.leaks import Leaks
from privxray.deid.judging.picture_metadata import is_jpeg, is_png, scan_jpeg, scan_png
from privxray.deid.profile.profile import Code as Action
from privxray.deid.profile.profile import Option, Override, Profile, Pseudonym

NO_IMAGE = "neither DICOM (with its 128-byte preamble) nor JPEG nor PNG"
NO_MEMORY = "it needs more memory than there is"
STUMBLED = "the reader stumbled over it, which is a fault of this tool"


def examine(data: Data, profile: Profile) -> Scan:
    """Check one file's bytes, by what they are. Raises nothing, whatever they are."""
    # DICOM first: a preamble can make a DICOM file look like a JPEG as well.
    try:
        if is_dicom(data):
            return scan_dicom(data, profile)
        if isinstance(data, mmap.mmap):
            data = data[:]
        if is_jpeg(data):
            return scan_jpeg(data)
        if is_png(data):
            return scan_png(data)
    except MemoryError:
        return Scan(damage=NO_MEMORY)
    except Exception:  # noqa: BLE001  one hostile file must not end the check of all others
        return Scan(damage=STUMBLED)
    return Scan(damage=NO_IMAGE)


def work(path: Path, profile: Profile, *, digest: bool, mapped: bool) -> tuple[Scan, str]:
    """Check one file: what was found, and its SHA-256, empty without ``digest`` or where it is not read."""
    try:
        data = read_file(path, mapped=mapped)
    except UnreadFileError as trouble:
        return Scan(damage=str(trouble)), ""
    scan = examine(data, profile)
    return scan, hashlib.sha256(data).hexdigest() if digest else ""


def search(path: Path, leaks: Leaks, *, mapped: bool) -> list[Finding]:
    """Look for a set's identifying values in one file; empty for what is no DICOM file.

    A file that could be read and no longer can be, or over which the search stumbles, fails with the reason.
    """
    try:
        data = read_file(path, mapped=mapped)
        return list(leaks.in_dicom(data)) if is_dicom(data) else []
    except UnreadFileError as trouble:
        return [rules.UNREADABLE.because(str(trouble))]
    except MemoryError:
        return [rules.UNREADABLE.because(NO_MEMORY)]
    except Exception:  # noqa: BLE001  as in examine
        return [rules.UNREADABLE.because(STUMBLED)]


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


def profile_to(profile: Profile) -> dict[str, Any]:
    """A profile as JSON, for a worker."""
    return {
        "name": profile.name,
        "options": sorted(profile.options),
        "pseudonyms": [[sorted(p.tags), p.pattern] for p in profile.pseudonyms],
        "new_uids": list(profile.new_uids),
        "overrides": [
            [list(o.key) if isinstance(o.key, tuple) else o.key, list(o.codes)] for o in profile.overrides
        ],
    }


def profile_from(value: dict[str, Any]) -> Profile:
    """The inverse of :func:`profile_to`."""
    return Profile(
        name=value["name"],
        options=frozenset(map(Option, value["options"])),
        pseudonyms=tuple(Pseudonym(frozenset(tags), pattern) for tags, pattern in value["pseudonyms"]),
        new_uids=tuple(value["new_uids"]),
        overrides=tuple(
            Override(tuple(key) if isinstance(key, list) else key, tuple(map(Action, codes)))
            for key, codes in value["overrides"]
        ),
    )


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
