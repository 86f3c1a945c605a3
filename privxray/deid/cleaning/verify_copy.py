"""The check judges a copy before it is written. Where it finds an error, the copy is repaired or given up."""

from __future__ import annotations

from collections.abc import Sequence

from privxray.deid import tags
from privxray.deid.cleaning.declare_method import DECLARING
from privxray.deid.cleaning.elements.replacement_values import dummy
from privxray.deid.dicomfile.data_set_tree import Tree
from privxray.deid.dicomfile.element import TEXT
from privxray.deid.dicomfile.part10 import Part10, write_part10
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.judging.leak_findings import wanted_in_dicom
from privxray.deid.judging.wanted import Wanted
from privxray.deid.profile.profile import Profile

_ROUNDS = 3
_NEEDED = DECLARING | {
    tags.SOP_CLASS_UID,
    tags.SOP_INSTANCE_UID,
    tags.STUDY_INSTANCE_UID,
    tags.SERIES_INSTANCE_UID,
    tags.PATIENT_ID,
}
# Where privxray writes words of its own: a patient may be called Option, Annex or Privxray.
_WRITTEN = ("(0002,", *map(tags.label, (*DECLARING, tags.PATIENT_NAME, tags.PATIENT_ID)))
_IMAGE_GROUPS = (0x0028, 0x7FE0)


class NotCleanError(Exception):
    """A file can't be made clean. The text says why, in words that may be printed."""


def verified(file: Part10, profile: Profile, wanted: Wanted) -> bytes:
    """The bytes of the copy, once the check finds no error in it.

    :param wanted: the values of the original, and of the other patients of its set.

    What the check finds in an element that a radiograph can do without is repaired: a text is replaced by a
    dummy, and if that does not help, the element is removed. So the copy keeps to every rule of the check,
    also to those that know more than the profile: the shape of a name, characters that don't belong.

    :raises NotCleanError: an error can't be repaired; the text is the first that is left.
    """
    errors: Sequence[Finding] = ()
    for _ in range(_ROUNDS):
        result = write_part10(file.tree, file.syntax)
        errors = errors_in(result, profile) or _leaks_in(result, wanted)
        if not errors:
            return result
        beyond_repair = [error for error in errors if not _repair(file.tree, error.where)]
        if beyond_repair:
            raise not_clean(beyond_repair)
    raise not_clean(errors)


def errors_in(result: bytes, profile: Profile) -> list[Finding]:
    """The errors that the check finds in these bytes."""
    scan = scan_bytes(result, profile)
    errors = [finding for finding in scan.findings if finding.severity == "error"]
    return [*errors, *([rules.UNREADABLE.because(scan.damage)] if scan.damage else [])]


def _leaks_in(result: bytes, wanted: Wanted) -> list[Finding]:
    """Where the copy holds a value that it must not; not in what privxray itself has written."""
    return [leak for leak in wanted_in_dicom(wanted, result) if not leak.where.startswith(_WRITTEN)]


def not_clean(errors: Sequence[Finding]) -> NotCleanError:
    """The error that tells the first of these findings."""
    return NotCleanError(f"{errors[0].where}: {errors[0].reason}")


def _repair(tree: Tree, where: str) -> bool:
    """Make up or remove the element at a place; False where there is none that may be touched."""
    *path, last = where.split("/")
    try:
        for step in path:
            tree = (tree.nodes[tags.from_label(step[:11])].items or [])[int(step[12:-1])]
        node = tree.nodes[tags.from_label(last)]
    except (KeyError, IndexError, ValueError):
        return False
    if not path and (node.tag in _NEEDED or node.tag >> 16 in _IMAGE_GROUPS):
        return False
    made_up = dummy(node.vr, 0)
    if node.vr in TEXT - {"UI"} and node.value != made_up:
        node.value = made_up
    else:
        del tree.nodes[node.tag]
    return True
