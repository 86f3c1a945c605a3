"""The ten actions of the MIDI-B challenge, scored on an injected set and its results."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date

import numpy as np
import pydicom
from deid_injection import KEPT, Injected

Score = dict[str, Counter[bool]]


def score(pairs: Iterable[tuple[Injected, bytes]]) -> tuple[Score, list[str]]:
    """Right and wrong actions by name, and where the wrong ones are."""
    found: Score = defaultdict(Counter)
    wrong: list[str] = []
    uids: dict[str, set[str]] = defaultdict(set)
    patients: dict[str, set[str]] = defaultdict(set)
    shifts: dict[str, set[int]] = defaultdict(set)

    def note(action: str, right: bool, where: str) -> None:
        found[action][right] += 1
        if not right:
            wrong.append(f"{action} {where}")

    for number, (file, data) in enumerate(pairs):
        ds = pydicom.dcmread(io.BytesIO(data))
        for keyword, value in KEPT.items():
            note("tag_retained", keyword in ds, f"{number} {keyword}")
            expected = value if isinstance(value, str) else list(value)
            there = ds.get(keyword)
            same = (list(there) if isinstance(value, list) else str(there)) == expected
            note("text_retained", same, f"{number} {keyword}")
        for keyword in ("Rows", "Columns", "BitsAllocated", "PixelData", "SeriesNumber", "InstanceNumber"):
            note("tag_retained", keyword in ds, f"{number} {keyword}")
        for keyword in ("PatientID", "PatientName", "SOPInstanceUID", "StudyInstanceUID", "Modality"):
            note("text_notnull", bool(str(ds.get(keyword, ""))), f"{number} {keyword}")
        header = _header(ds, data)
        for phrase in file.phrases:
            note("text_removed", phrase.lower().encode() not in header, f"{number} {phrase!r}")
        for keyword, before in file.dates.items():
            days = _days(before, str(ds.get(keyword, "")))
            note("date_shifted", days is not None and days != 0, f"{number} {keyword}")
            if days is not None:
                shifts[file.person.id].add(days)
        for keyword, before in file.uids.items():
            after = str(ds.get(keyword, ""))
            note("uid_changed", bool(after) and after != before, f"{number} {keyword}")
            uids[before].add(after)
        patients[file.person.id].add(str(ds.PatientID))
        _score_pixels(file, ds, note, number)
    for before, after in uids.items():
        note("uid_consistent", len(after) == 1, before)
    taken = Counter(new for after in patients.values() for new in after)
    for person, after in patients.items():
        note("patid_consistent", len(after) == 1 and taken[next(iter(after))] == 1, person)
        note("date_shifted", len(shifts[person]) == 1, f"offsets of {person}")
    return found, wrong


def _score_pixels(file: Injected, ds: pydicom.Dataset, note: object, number: int) -> None:
    after = ds.pixel_array
    outside = np.ones(after.shape, bool)
    if file.text_box is not None:
        left, top, right, bottom = file.text_box
        changed = after != file.pixels
        inside = after[top:bottom, left:right]
        flat = len(np.unique(inside)) == 1
        note("pixels_hidden", flat, f"{number}")  # type: ignore[operator]
        outside[max(top - 24, 0) : bottom + 24, max(left - 24, 0) : right + 24] = False
        note("pixels_retained", not changed[outside].any(), f"{number}")  # type: ignore[operator]
    else:
        same = np.array_equal(after, file.pixels)
        note("pixels_retained", same, f"{number}")  # type: ignore[operator]


def _header(ds: pydicom.Dataset, data: bytes) -> bytes:
    """All bytes but the pixels', in small letters: nothing may be hidden in a corner that is not parsed."""
    pixels = ds.PixelData
    at = data.rfind(pixels)
    return (data[:at] + data[at + len(pixels) :]).lower()


def _days(before: str, after: str) -> int | None:
    try:
        return (date(*_parts(before)) - date(*_parts(after))).days
    except ValueError:
        return None


def _parts(day: str) -> tuple[int, int, int]:
    return int(day[:4]), int(day[4:6]), int(day[6:8])
