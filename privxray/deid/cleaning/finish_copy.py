"""The last steps of a de-identification: the copy says what was done, is checked, and mended if need be."""

from __future__ import annotations

from collections.abc import Sequence

import privxray
from privxray.deid.cleaning.replacement_values import dummy
from privxray.deid.dicomfile.data_set_tree import Node, Tree
from privxray.deid.dicomfile.element import TEXT
from privxray.deid.dicomfile.part10 import SOP_CLASS, SOP_INSTANCE, Part10, write_file
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.examine import examine
from privxray.deid.profile.annex_e import EDITION
from privxray.deid.profile.identifying import ID
from privxray.deid.profile.profile import Profile

STUDY = 0x0020000D
BURNED_IN, TEMPORAL = 0x00280301, 0x00280303

_ROUNDS = 3
_REMOVED, _METHOD, _CODES = 0x00120062, 0x00120063, 0x00120064
_NEEDED = frozenset({SOP_CLASS, SOP_INSTANCE, STUDY, 0x0020000E, ID, _REMOVED, _METHOD, _CODES, TEMPORAL})


class NotCleanError(Exception):
    """A file can't be made clean. The text says why, in words that may be printed."""


def declare(tree: Tree, profile: Profile, *, searched: bool) -> None:
    """Say what was done (PS3.15 E.1.1 step 6, E.3.1, E.3.6; PS3.3 C.7.1.1, C.7.6.1 and C.12.1)."""
    tree.put(_REMOVED, "CS", "YES")
    tree.put(_METHOD, "LO", f"privxray {privxray.__version__}, DICOM PS3.15 {EDITION} Annex E"[:64])
    codes = []
    for value, meaning in profile.methods:
        code = Tree()
        code.put(0x00080100, "SH", value)
        code.put(0x00080102, "SH", "DCM")
        code.put(0x00080104, "LO", meaning)
        codes.append(code)
    tree.nodes[_CODES] = Node(_CODES, "SQ", items=codes)
    tree.put(TEMPORAL, "CS", str(profile.dates.value))
    if searched:
        tree.put(BURNED_IN, "CS", "NO")


def checked(file: Part10, profile: Profile) -> bytes:
    """The written file, once the check finds no error in it.

    What it finds in an element that a radiograph can do without is mended: a text gives way to a dummy, and
    if that does not do, the element goes. So the copy keeps to every rule of the check, also to those that
    know more than the profile: the shape of a name, characters that don't belong.
    """
    for _ in range(_ROUNDS):
        result = write_file(file.tree, file.syntax)
        errors = errors_in(result, profile)
        if not errors:
            return result
        mended = [_mend(file.tree, error.where) for error in errors]
        if not all(mended):
            break
    expect_none(errors)
    raise AssertionError("an error that is none")


def _mend(tree: Tree, where: str) -> bool:
    """Make up or remove the element at a place; False where there is none that may be touched."""
    *path, last = where.split("/")
    try:
        for step in path:
            tree = (tree.nodes[_tag(step[:11])].items or [])[int(step[12:-1])]
        node = tree.nodes[_tag(last)]
    except (KeyError, IndexError, ValueError):
        return False
    if not path and (node.tag in _NEEDED or node.tag >> 16 in (0x0028, 0x7FE0)):
        return False
    made_up = dummy(node.vr, 0)
    if node.vr in TEXT - {"UI"} and node.value != made_up:
        node.value = made_up
    else:
        del tree.nodes[node.tag]
    return True


def _tag(text: str) -> int:
    """From ``(gggg,eeee)``."""
    return int(text[1:5] + text[6:10], 16)


def errors_in(result: bytes, profile: Profile) -> list[Finding]:
    """What the check fails these bytes for."""
    scan = examine(result, profile)
    errors = [finding for finding in scan.findings if finding.severity == "error"]
    return [*errors, *([rules.UNREADABLE.because(scan.damage)] if scan.damage else [])]


def expect_none(errors: Sequence[Finding]) -> None:
    """:raises NotCleanError: there is one; the text is the first."""
    for error in errors:
        raise NotCleanError(f"{error.where}: {error.reason}")
