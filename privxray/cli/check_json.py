"""What ``privxray check`` prints for a program: one object with ``--json``, a line a file with ``--jsonl``.

Both are printed file by file, so neither holds all findings in memory. Tested in
tests/unit/test_cli_check_json.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from textwrap import indent
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from privxray.deid.findings.report import Report
    from privxray.workflow.images.search_pixels import SearchedPixels

_STEP = "  "


def print_object(
    report: Report, found: Mapping[int, SearchedPixels] | None, more: Mapping[str, Any], *, show_text: bool
) -> None:
    """Print one JSON object, as :func:`privxray.cli.output.emit` would.

    :param found: what was found in the pixels; None where they were not searched.
    :param more: further keys, for the end. :param show_text: with what was read in the pixels.
    """
    print("{")
    for key, value in (("verdict", report.verdict), ("profile", report.profile)):
        print(f"{_STEP}{json.dumps(key)}: {json.dumps(value)},")
    _print_list("files", (file.to_json() for file in report.files), _STEP, ",")
    last = "," if more else ""
    if found is None:
        print(f'{_STEP}"pixels": null{last}')
    else:
        print(f'{_STEP}"pixels": {{')
        for key, count in _counts(found).items():
            print(f"{_STEP * 2}{json.dumps(key)}: {count},")
        boxes = _boxes(report, found, show_text=show_text)
        _print_list("boxes", (box for _, box in boxes), _STEP * 2, "")
        print(f"{_STEP}}}{last}")
    if more:
        print(json.dumps(dict(more), indent=2)[2:-2])
    print("}")


def print_lines(
    report: Report, found: Mapping[int, SearchedPixels] | None, more: Mapping[str, Any], *, show_text: bool
) -> None:
    """Print one JSON object a line: each file's, then one of the whole set, which alone has a ``profile``.

    The parameters are those of :func:`print_object`.
    """
    boxes: Iterator[tuple[int, dict[str, Any]]] = iter(())
    if found is not None:
        boxes = _boxes(report, found, show_text=show_text)
    box = next(boxes, None)
    for place, file in enumerate(report.files):
        here: list[dict[str, Any]] = []
        while box is not None and box[0] == place:
            here.append({key: value for key, value in box[1].items() if key != "file"})
            box = next(boxes, None)
        pixels = {} if found is None else {"boxes": here if place in found else None}
        print(json.dumps(file.to_json() | pixels))
    counts = None if found is None else _counts(found)
    whole = {"verdict": report.verdict, "profile": report.profile, "files": len(report.files)}
    print(json.dumps(whole | {"pixels": counts} | dict(more)))


def _counts(found: Mapping[int, SearchedPixels]) -> dict[str, int]:
    from privxray.workflow.images.search_pixels import without_text

    return {"searched": len(found), "no_text_found": without_text(found)}


def _boxes(
    report: Report, found: Mapping[int, SearchedPixels], *, show_text: bool
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every place of text in the pixels, with the position of its file."""
    for place, one in found.items():
        name = report.files[place].name if one.boxes else ""
        for box in one.boxes:
            value = {
                "file": name,
                "frame": box.frame,
                "x": box.x,
                "y": box.y,
                "width": box.width,
                "height": box.height,
                "confidence": box.confidence,
                "severity": box.severity,
            }
            yield place, value | ({"text": box.text} if show_text else {})


def _print_list(key: str, values: Iterable[Mapping[str, Any]], margin: str, last: str) -> None:
    """Print a key with a list of objects, one after the other."""
    rest = iter(values)
    first = next(rest, None)
    if first is None:
        print(f"{margin}{json.dumps(key)}: []{last}")
        return
    print(f"{margin}{json.dumps(key)}: [", end="")
    for number, value in enumerate(chain([first], rest)):
        text = json.dumps(value, indent=2, allow_nan=False)
        print(("," if number else "") + "\n" + indent(text, margin + _STEP), end="")
    print(f"\n{margin}]{last}")
