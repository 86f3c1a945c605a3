"""The rules of the check: what each is called, how grave it is, and where the standard says so.

A rule describes itself, so that a report, the documentation and the code say the same. Its ``says`` is the
fixed part of every reason it gives; the only thing that is ever added is an attribute's name from
Table E.1-1. Identifiers are stable: scripts may match on them.

The severities follow one idea. An ``error`` is something that the Basic Profile would have removed or
changed and that is visibly still there, or something that keeps the check from seeing. A ``notice`` is
something that may be in order and that nobody can tell without the original.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from privxray.deid.report import Finding, Severity

_TABLE: Final = "PS3.15 Table E.1-1"
_PROFILE: Final = "PS3.15 E.1.1"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    :param id: stable, readable identifier.
    :param severity: ``error`` fails a file, ``notice`` does not.
    :param says: a fixed text, lower case, without a full stop.
    :param source: the section of the standard that it carries out, or ``privxray`` where it is our own.
    """

    id: str
    severity: Severity
    says: str
    source: str

    def at(self, where: str, name: str = "") -> Finding:
        """A finding of this rule; ``name`` must come from the table, never from a file."""
        reason = f"{name}: {self.says}" if name else self.says
        return Finding(self.id, self.severity, where, reason)

    def because(self, why: str) -> Finding:
        """A finding about the whole file, with a fixed text of this package that says why."""
        return Finding(self.id, self.severity, "file", f"{self.says}: {why}")


RULES: dict[str, Rule] = {}
"""Every rule by its identifier, in the order below."""


def _rule(id: str, severity: Severity, says: str, source: str) -> Rule:
    rule = Rule(id, severity, says, source)
    RULES[id] = rule
    return rule


REMOVE = _rule("E.1-1/X", "error", "must be removed", _TABLE)
REMOVE_EMPTY = _rule(
    # An empty attribute tells nobody who the patient is; that it stayed tells that the profile was not
    # applied to the letter. Failing a file for it would stop people over what can't harm a patient.
    "E.1-1/X-empty",
    "notice",
    "should have been removed; it is there but holds nothing",
    _TABLE,
)
EMPTY = _rule("E.1-1/Z", "error", "must be empty or plainly a dummy", _TABLE)
DUMMY = _rule("E.1-1/dummy", "notice", "holds what looks like a dummy", _TABLE)
PSEUDONYM = _rule(
    "E.1-1/pseudonym",
    "notice",
    "holds what looks like a pseudonym; only the original shows whether it is one",
    _TABLE,
)
REPLACE = _rule(
    "E.1-1/D", "notice", "must have been replaced by a dummy; only the original shows whether it was", _TABLE
)
NEW_UID = _rule(
    "E.1-1/U",
    "notice",
    "must have been replaced by a new UID; only the original shows whether it was",
    _TABLE,
)
NOT_A_UID = _rule("uid", "error", "an attribute for a UID holds something else", "PS3.5 9.1")
PRIVATE = _rule("private", "error", "a private attribute; every one must be removed", _TABLE)
UNKNOWN = _rule(
    "unknown",
    "error",
    "not an attribute of the standard, so no rule says what it holds",
    "PS3.15 E.1.1, PS3.6",
)
VR = _rule(
    "vr",
    "error",
    "stored as text or opaque bytes where the standard has none, so it may hold anything",
    "PS3.6",
)
DUPLICATE = _rule(
    "duplicate", "error", "the attribute is there twice; readers differ in which one they show", "PS3.5 7.1"
)
TRAILING = _rule("trailing-zeros", "notice", "zero bytes follow the data set", "PS3.10 7")
PREAMBLE = _rule(
    # A preamble that makes the file a TIFF as well (PS3.10 7.1) would be a second image nobody checks.
    "preamble",
    "error",
    "the 128 bytes before the header are not all zero; they can hide anything, a second image format too",
    "PS3.10 7.1, PS3.15 E.1.1",
)
META_UID = _rule(
    "file-meta/uid",
    "error",
    "the file meta names another instance than the data set, so perhaps the original one",
    "PS3.10 7.1",
)
META_NETWORK = _rule(
    "file-meta/network", "error", "the file meta names a machine of the hospital's network", _PROFILE
)
META_PRIVATE = _rule("file-meta/private", "error", "the file meta holds private information", _PROFILE)
META_PLACE = _rule(
    "file-meta/place",
    "error",
    "an attribute of the file meta or of a network command inside the data set",
    "PS3.10 7.1",
)
DECLARED = _rule(
    "declared",
    "error",
    "Patient Identity Removed is not YES: nobody claims that this file is de-identified",
    _PROFILE,
)
METHOD = _rule(
    "method",
    "error",
    "the method of de-identification is missing, or its codes lack 113100 (Basic Profile)",
    _PROFILE,
)
METHOD_TEXT = _rule(
    "method-text",
    "notice",
    "the method of de-identification is told in words only, not by the code 113100 (Basic Profile)",
    _PROFILE,
)
BURNED_IN = _rule(
    "burned-in",
    "error",
    "the file says that annotations are burned into its pixels",
    "PS3.15 E.3.1, PS3.3 C.7.6.1",
)
BURNED_IN_UNKNOWN = _rule(
    "burned-in-unknown",
    "notice",
    "the file does not say whether annotations are burned into its pixels",
    "PS3.15 E.3.1, PS3.3 C.7.6.1",
)
DIRECTORY = _rule(
    "directory", "error", "an index of a medium (DICOMDIR), not an image; leave it out", "PS3.10 8.6"
)
UNREADABLE = _rule("unreadable", "error", "can't be checked", "privxray")

EXIF = _rule("picture/exif", "error", "EXIF data: camera, time, place or a thumbnail", "privxray")
XMP = _rule("picture/xmp", "error", "XMP data: free text about the picture", "privxray")
IPTC = _rule("picture/iptc", "error", "Photoshop or IPTC data: captions, names, dates", "privxray")
COMMENT = _rule("picture/comment", "error", "a comment", "privxray")
TEXT = _rule("picture/text", "error", "a text chunk", "privxray")
TIME = _rule(
    # In DICOM a date in the place of InstanceCreationDate (X/D) may be a dummy. A PNG never needs one, so
    # there is no reason to keep a date that is most often the day of the export.
    "picture/time",
    "error",
    "the time at which the picture was last changed",
    "privxray",
)
THUMBNAIL = _rule(
    "picture/thumbnail", "error", "a second, smaller picture, perhaps of the uncropped original", "privxray"
)
PROFILE = _rule(
    # A colour profile describes a monitor or a scanner, and converters add a standard one to almost every
    # picture. It has text fields of its own, hence the notice.
    "picture/profile",
    "notice",
    "a colour profile, which has text fields of its own",
    "privxray",
)
EXTRA = _rule(
    "picture/extra", "error", "data that is not needed to show the picture and may hold anything", "privxray"
)
PICTURE_TRAILING = _rule("picture/trailing", "error", "data after the end of the picture", "privxray")
PICTURE_ZEROS = _rule(
    "picture/trailing-zeros", "notice", "zero bytes after the end of the picture", "privxray"
)
