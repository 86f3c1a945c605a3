"""The last steps of a de-identification: the copy says what was done, is checked, and mended if need be."""

from __future__ import annotations

from collections.abc import Sequence

from privxray.deid import tags
from privxray.deid.cleaning.replacement_values import dummy
from privxray.deid.dicomfile.data_set_tree import Node, Tree
from privxray.deid.dicomfile.element import TEXT
from privxray.deid.dicomfile.part10 import Part10, write_part10
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.profile.annex_e import EDITION
from privxray.deid.profile.profile import Profile
from privxray.version import __version__

_ROUNDS = 3
_NEEDED = frozenset(
    {
        tags.SOP_CLASS_UID,
        tags.SOP_INSTANCE_UID,
        tags.STUDY_INSTANCE_UID,
        tags.SERIES_INSTANCE_UID,
        tags.PATIENT_ID,
        tags.PATIENT_IDENTITY_REMOVED,
        tags.DEIDENTIFICATION_METHOD,
        tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
        tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
    }
)


class NotCleanError(Exception):
    """A file can't be made clean. The text says why, in words that may be printed."""


def declare(tree: Tree, profile: Profile, *, searched: bool) -> None:
    """Say what was done (PS3.15 E.1.1 step 6, E.3.1, E.3.6; PS3.3 C.7.1.1, C.7.6.1 and C.12.1)."""
    tree.put(tags.PATIENT_IDENTITY_REMOVED, "CS", "YES")
    tree.put(
        tags.DEIDENTIFICATION_METHOD,
        "LO",
        f"privxray {__version__}, DICOM PS3.15 {EDITION} Annex E"[:64],
    )
    codes = []
    for value, meaning in profile.methods:
        code = Tree()
        code.put(tags.CODE_VALUE, "SH", value)
        code.put(tags.CODING_SCHEME_DESIGNATOR, "SH", "DCM")
        code.put(tags.CODE_MEANING, "LO", meaning)
        codes.append(code)
    tree.nodes[tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE] = Node(
        tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE, "SQ", items=codes
    )
    tree.put(tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, "CS", str(profile.dates.value))
    if searched:
        tree.put(tags.BURNED_IN_ANNOTATION, "CS", "NO")


def checked(file: Part10, profile: Profile) -> bytes:
    """The written file, once the check finds no error in it.

    What it finds in an element that a radiograph can do without is mended: a text gives way to a dummy, and
    if that does not do, the element goes. So the copy keeps to every rule of the check, also to those that
    know more than the profile: the shape of a name, characters that don't belong.
    """
    for _ in range(_ROUNDS):
        result = write_part10(file.tree, file.syntax)
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
            tree = (tree.nodes[tags.from_label(step[:11])].items or [])[int(step[12:-1])]
        node = tree.nodes[tags.from_label(last)]
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


def errors_in(result: bytes, profile: Profile) -> list[Finding]:
    """What the check fails these bytes for."""
    scan = scan_bytes(result, profile)
    errors = [finding for finding in scan.findings if finding.severity == "error"]
    return [*errors, *([rules.UNREADABLE.because(scan.damage)] if scan.damage else [])]


def expect_none(errors: Sequence[Finding]) -> None:
    """:raises NotCleanError: there is one; the text is the first."""
    for error in errors:
        raise NotCleanError(f"{error.where}: {error.reason}")
