"""The rules of the check: what each is called, how grave it is, and where the standard says so.

A rule describes itself, so that a report, the documentation and the code say the same: docs/RULES.md is made
from this module by :mod:`privxray.deid.findings.rulebook`, and a test holds the two together. A rule's
``says`` is the fixed part of every reason it gives; the only thing that is ever added is an attribute's name
from Table E.1-1 or a concept's meaning from Table E.3.4-1. Identifiers are stable: scripts may match on them.

The severities follow one idea. An ``error`` is something that the Basic Profile would have removed or
changed and that is visibly still there, or something that keeps the check from seeing. A ``notice`` is
something that may be in order and that nobody can tell without the original.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from privxray.deid.findings.report import Finding, Severity
from privxray.deid.tags import label

_TABLE: Final = "PS3.15 Table E.1-1"
_PROFILE: Final = "PS3.15 E.1.1"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    :param id: stable, readable identifier.
    :param severity: ``error`` fails a file, ``notice`` does not.
    :param says: a fixed text, lower case, without a full stop.
    :param source: the section of the standard that it carries out, or ``privxray`` where it is our own.
    :param about: one or two sentences for docs/RULES.md: what is looked at, and why it matters.
    """

    id: str
    severity: Severity
    says: str
    source: str
    about: str

    def at(self, where: str | int, name: str = "") -> Finding:
        """A finding of this rule.

        :param where: the place in words; or the tag of an element of the data set itself or of the file meta.
        :param name: an attribute's name from the standard's table, never from a file; empty to leave it out.
        """
        place = label(where) if isinstance(where, int) else where
        reason = f"{name}: {self.says}" if name else self.says
        return Finding(self.id, self.severity, place, reason)

    def because(self, why: str) -> Finding:
        """A finding about the whole file, with a fixed text of this package that says why."""
        return Finding(self.id, self.severity, "file", f"{self.says}: {why}")

    def more(self, places: int) -> Finding:
        """Stands for findings beyond those that a report lists of one rule and file."""
        return Finding(self.id, self.severity, "file", f"{self.says}: {places} more places, not listed")


RULES: dict[str, Rule] = {}
"""Every rule by its identifier, in the order below."""


def _rule(id: str, severity: Severity, says: str, source: str, about: str) -> Rule:
    rule = Rule(id, severity, says, source, about)
    RULES[id] = rule
    return rule


# Table E.1-1, by the action that the profile asks for.

REMOVE = _rule(
    "E.1-1/X",
    "error",
    "must be removed",
    _TABLE,
    "The attribute is filled and every action that the profile allows for it is X.",
)
REMOVE_EMPTY = _rule(
    "E.1-1/X-empty",
    "notice",
    "should have been removed; it is there but holds nothing",
    _TABLE,
    "An empty attribute tells nobody who the patient is; that it stayed tells that the profile was not "
    "applied to the letter. Failing a file for it would stop people over what can't harm a patient.",
)
EMPTY = _rule(
    "E.1-1/Z",
    "error",
    "must be empty or plainly a dummy",
    _TABLE,
    "Action Z, and the value is neither a listed dummy nor a form that the profile declares. PatientID and "
    "PatientName fall under it whatever the table's alternatives, for they name the patient.",
)
PSEUDONYM = _rule(
    "E.1-1/pseudonym",
    "notice",
    "holds what looks like a pseudonym; only the original shows whether it is one",
    _TABLE,
    "A pseudonym and a hospital's number can look the same. It is accepted only in a file that declares its "
    "de-identification, and named so that a person can say yes. Declare your own form in the profile's "
    "`pseudonyms` to have it pass.",
)
REPLACE = _rule(
    "E.1-1/D",
    "notice",
    "must have been replaced by a dummy; only the original shows whether it was",
    _TABLE,
    "Action D or an alternative with it, and the value has none of the shapes that give a person away.",
)
NAME = _rule(
    "E.1-1/name",
    "error",
    "has the shape of a person's name",
    _TABLE,
    "Components parted by carets, `Surname, Given`, a title before a word, or letters at all where only a "
    "person's name belongs (VR PN), unless it is a dummy or a declared pseudonym.",
)
BIRTH_DATE = _rule(
    "E.1-1/birth-date",
    "error",
    "is a birth date finer than a year",
    _TABLE + ", 45 CFR 164.514(b)(2)(i)(C)",
    "A birth date with day and month finds a person in a register. 1 January stands for the year alone.",
)
ADDRESS = _rule(
    "E.1-1/address",
    "error",
    "has the shape of an address, a telephone number or an e-mail address",
    _TABLE,
    "A house number with a street's word, a postal code with a place, `name@host`, or a number with dialling "
    "signs.",
)
FREE_TEXT = _rule(
    "E.1-1/free-text",
    "error",
    "is free text, which can name anybody",
    _TABLE,
    "Three or more words in an attribute that should hold a dummy, or a calendar date within other text.",
)
INSTITUTION = _rule(
    "E.1-1/institution",
    "error",
    "names an institution",
    _TABLE,
    "Words in an attribute for the name of a hospital, a department, a site or a sponsor that are no dummy "
    "and not all of them general words.",
)
CLEANED = _rule(
    "E.1-1/C",
    "notice",
    "was to be cleaned; only a person can tell whether it was",
    "PS3.15 E.3.5",
    "Action C on text. Nothing in it has the shape of a name, a date or an address, but it holds words that "
    "are not on this tool's list of general and technical ones.",
)
CLEANED_GRAPHICS = _rule(
    "E.1-1/C-graphics",
    "notice",
    "graphics that were to be cleaned; look at them",
    "PS3.15 E.3.3",
    "Overlays, curves and other bytes under action C can hold drawn text, which no rule on metadata sees.",
)
NEW_UID = _rule(
    "E.1-1/U",
    "notice",
    "must have been replaced by a new UID; only the original shows whether it was",
    _TABLE,
    "A UID that the standard doesn't define and whose form the profile doesn't declare in `new_uids`.",
)
AGE = _rule(
    "age",
    "error",
    "an age over 89 years, which few people have",
    "45 CFR 164.514(b)(2)(i)(C)",
    "Patient's Age above 090Y, or the years between birth and study where both dates are there. 090Y "
    "passes: it is how 90 and older is written as one class.",
)
CONTENT_REMOVE = _rule(
    "E.3.4-1/X",
    "error",
    "a content item that must be removed",
    "PS3.15 Table E.3.4-1",
    "An item of a structured report, an acquisition context or a specimen preparation whose concept name the "
    "table removes. Judged with and without the Clean Structured Content Option.",
)
CONTENT_REPLACE = _rule(
    "E.3.4-1/D",
    "notice",
    "a content item whose value must have been replaced; only the original shows whether it was",
    "PS3.15 Table E.3.4-1",
    "The value has none of the shapes that give a person away; those are errors under their own rules.",
)

# What may not be there at all, whatever it says.

PRIVATE = _rule(
    "private",
    "error",
    "a private attribute; every one must be removed",
    _TABLE + ", E.3.10",
    "An element of an odd group. With the Retain Safe Private Option those of Table E.3.10-1 stay, by "
    "creator and number, and so do the profile's own overrides; the creator must be at the same place.",
)
UNKNOWN = _rule(
    "unknown",
    "error",
    "not an attribute of the standard, so no rule says what it holds",
    "PS3.15 E.1.1, PS3.6",
    "A tag of an even group that the dictionary does not have.",
)
VR = _rule(
    "vr",
    "error",
    "stored as text or opaque bytes where the standard has none, so it may hold anything",
    "PS3.6",
    "Numbers under another kind of number and text under another kind of text are common and hide nothing.",
)
CONTENT = _rule(
    "vr-content",
    "error",
    "characters that its value representation does not allow, so it may hold anything",
    "PS3.5 6.2",
    "Dates, times, ages, numbers as text and code strings have small sets of characters. A value with others "
    "is free text in disguise.",
)
SHAPE = _rule(
    "kept-text",
    "error",
    "an attribute that the profile keeps has the shape of a person's name, an address or a birth date",
    "PS3.15 E.1.1, PS3.15 E.3.5",
    "Attributes that are not in Table E.1-1 stay as they are, so a typist's slip stays in them too.",
)
DUPLICATE = _rule(
    "duplicate",
    "error",
    "the attribute is there twice; readers differ in which one they show",
    "PS3.5 7.1",
    "What one reader shows as empty another shows as filled.",
)
NOT_A_UID = _rule(
    "uid", "error", "an attribute for a UID holds something else", "PS3.5 9.1", "A UID is digits and dots."
)
CLASS_UID = _rule(
    "uid-class",
    "error",
    "a UID of the standard was replaced by a new one, so readers no longer know what the file is",
    "PS3.15 E.1.1",
    "SOP classes, transfer syntaxes, coding schemes and the like are the same for everybody. Replacing them "
    "protects nobody and breaks the file.",
)

# The file around the data set.

TRAILING = _rule(
    "trailing-zeros",
    "notice",
    "zero bytes follow the data set",
    "PS3.10 7",
    "Harmless padding. Any other byte after the data set makes the file unreadable to the check, which "
    "fails it.",
)
PREAMBLE = _rule(
    "preamble",
    "error",
    "the 128 bytes before the header are not all zero; they can hide anything, a second image format too",
    "PS3.10 7.1, PS3.15 E.1.1",
    "A preamble that makes the file a TIFF as well would be a second image that nobody checks.",
)
META_UID = _rule(
    "file-meta/uid",
    "error",
    "the file meta names another instance than the data set, so perhaps the original one",
    "PS3.10 7.1",
    "(0002,0003) must equal (0008,0018).",
)
META_CLASS = _rule(
    "file-meta/class",
    "error",
    "the file meta names another kind of object than the data set",
    "PS3.10 7.1",
    "(0002,0002) must equal (0008,0016).",
)
META_NETWORK = _rule(
    "file-meta/network",
    "error",
    "the file meta names a machine of the hospital's network",
    _PROFILE,
    "Source, sending and receiving application entities and presentation addresses.",
)
META_PRIVATE = _rule(
    "file-meta/private",
    "error",
    "the file meta holds private information",
    _PROFILE,
    "(0002,0100) and (0002,0102).",
)
META_PLACE = _rule(
    "file-meta/place",
    "error",
    "an attribute of the file meta or of a network command inside the data set",
    "PS3.10 7.1",
    "Groups 0000 and 0002 have no place there; readers pass over them, so nobody looks at them.",
)
DIRECTORY = _rule(
    "directory",
    "error",
    "an index of a medium (DICOMDIR), not an image; leave it out",
    "PS3.10 8.6",
    "It repeats names and numbers of all patients of the medium. Its records are judged like any other item.",
)
UNREADABLE = _rule(
    "unreadable",
    "error",
    "can't be checked",
    "privxray",
    "Every byte of a file is accounted for; where that fails, the file fails, with the reason.",
)

# What the file says of itself.

DECLARED = _rule(
    "declared",
    "error",
    "Patient Identity Removed is not YES: nobody claims that this file is de-identified",
    _PROFILE,
    "(0012,0062).",
)
METHOD = _rule(
    "method",
    "error",
    "the method of de-identification is missing, or its codes lack 113100 (Basic Profile)",
    _PROFILE,
    "(0012,0064), or in words (0012,0063).",
)
METHOD_TEXT = _rule(
    "method-text",
    "notice",
    "the method of de-identification is told in words only, not by the code 113100 (Basic Profile)",
    _PROFILE,
    "(0012,0063) without (0012,0064).",
)
METHOD_CODE = _rule(
    "method-code",
    "notice",
    "the method of de-identification has a code that is not in CID 7050",
    "PS3.16 CID 7050",
    "Codes of scheme DCM outside 113100 to 113112.",
)
METHOD_OPTIONS = _rule(
    "method-options",
    "notice",
    "the file declares other options of the profile than this check was run with",
    "PS3.15 E.1.1, PS3.16 CID 7050",
    "An option that only the file names was not granted here; one that only the check was given is not "
    "declared.",
)
METHOD_BOTH = _rule(
    "method-contradiction",
    "error",
    "the file declares full dates and modified dates at once",
    "PS3.15 E.3.6",
    "Codes 113106 and 113107 exclude each other.",
)
TEMPORAL = _rule(
    "temporal",
    "error",
    "Longitudinal Temporal Information Modified does not say what the profile makes of dates",
    "PS3.15 E.3.6",
    "(0028,0303) must be UNMODIFIED or MODIFIED with the option of that kind, and may only be REMOVED or "
    "absent without either.",
)
BURNED_IN = _rule(
    "burned-in",
    "error",
    "the file says that annotations are burned into its pixels",
    "PS3.15 E.3.1, PS3.3 C.7.6.1",
    "(0028,0301) is YES. What it says is not trusted the other way round.",
)
BURNED_IN_UNKNOWN = _rule(
    "burned-in-unknown",
    "notice",
    "the file does not say whether annotations are burned into its pixels",
    "PS3.15 E.3.1, PS3.3 C.7.6.1",
    "(0028,0301) is absent or empty.",
)

BURNED_IN_CLAIM = _rule(
    "burned-in-unsaid",
    "error",
    "the pixels were to be cleaned, and the file does not say that no annotations are burned into them",
    "PS3.15 E.3.1",
    "With the Clean Pixel Data Option (0028,0301) must be NO in a file that has pixels.",
)
FEATURES = _rule(
    "features",
    "notice",
    "the file says that a person can be recognised in its pixels",
    "PS3.15 E.3.2, PS3.3 C.7.6.1",
    "(0028,0302) is YES. A face can be drawn from a CT of a head.",
)
FEATURES_CLAIM = _rule(
    "features-unsaid",
    "error",
    "recognizable visual features were to be removed, and the file does not say that they are",
    "PS3.15 E.3.2",
    "With the Clean Recognizable Visual Features Option (0028,0302) must be NO in a file that has pixels. "
    "Nothing here looks for faces.",
)

# The pixels themselves (`--ocr`).

PIXEL_TEXT = _rule(
    "pixels/text",
    "error",
    "text in the pixels",
    "PS3.15 E.3.1",
    "Two passes of a text detector, over the picture as it lies and turned by a quarter, and a reader that "
    "could read what they found. What (0028,0301) says is not asked. A machine's settings count as well: "
    "telling them from a patient's numbers is for a person.",
)
PIXEL_MARKER = _rule(
    "pixels/marker",
    "notice",
    "a side or position marker in the pixels, or one letter alone",
    "privxray",
    "R, L, AP, ERECT and the like, by a list. Nearly every radiograph has one and it names nobody, so it "
    "fails no file; it is listed because a reader may have misread it.",
)
PIXELS_UNSEEN = _rule(
    "pixels/unseen",
    "error",
    "the pixels could not be searched for text",
    "privxray",
    "They are damaged, too large, or need a decoder that is not there. What could not be looked at does not "
    "pass.",
)

# What only the whole set of files tells.

LEAK = _rule(
    "leak",
    "error",
    "repeats a value by which this set identifies a patient",
    "PS3.15 E.1.1",
    "Names, numbers, birth dates and institutions that stand undisguised in an identifying attribute of any "
    "file are searched for in every other attribute of every file, by whole words. Values are never shown.",
)
LEAK_OWN = _rule(
    "leak-pseudonym",
    "error",
    "passes for a dummy or a pseudonym, but is a value by which this set identifies a patient",
    "PS3.15 E.1.1",
    "The same search in identifying attributes, where the value by itself would have passed.",
)
LEAK_BYTES = _rule(
    "leak-bytes",
    "error",
    "opaque bytes repeat a value by which this set identifies a patient",
    "PS3.15 E.1.1",
    "The same search in the printable parts of binary, unknown and private elements; of pixel data, in the "
    "comments of compressed frames only.",
)
LEAK_PATH = _rule(
    "leak-path",
    "error",
    "the name of the file or of its folder repeats a value by which this set identifies a patient",
    "PS3.15 E.1.1",
    "The same search in the path below the folder that was named.",
)
LEAK_LIMIT = _rule(
    "leak-limit",
    "notice",
    "the set holds more identifying values than are searched for at once",
    "privxray",
    "At most 100,000 values are kept, so that memory stays bounded. Remove what is listed, then check again.",
)
SET_INSTANCE = _rule(
    "set-instance",
    "error",
    "two files of this set claim to be the same instance and differ in series, study or patient",
    "PS3.15 E.1.1",
    "New UIDs must be the same for the same original and different for different ones.",
)
SET_SERIES = _rule(
    "set-series",
    "error",
    "a series belongs to two studies",
    "PS3.15 E.1.1",
    "The same Series Instance UID with two Study Instance UIDs: UIDs were not replaced consistently.",
)
SET_STUDY = _rule(
    "set-study",
    "error",
    "a study belongs to two patients",
    "PS3.15 E.1.1",
    "The same Study Instance UID with two Patient IDs: patients were not renamed consistently.",
)
SET_PATIENT = _rule(
    "set-patient",
    "error",
    "a patient has two names or two birth dates",
    "PS3.15 E.1.1",
    "The same Patient ID with two values of Patient's Name or of Patient's Birth Date.",
)
SET_DATES = _rule(
    "set-dates",
    "error",
    "dates that belong together differ, so they were not shifted by one offset",
    "PS3.15 E.3.6",
    "With modified dates: a study or a series with two dates, or a date and a date-time of the same event "
    "that name different days. That all are shifted by the same number of days can't be seen without the "
    "originals.",
)

# Pictures.

EXIF = _rule(
    "picture/exif",
    "error",
    "EXIF data: camera, time, place or a thumbnail",
    "privxray",
    "APP1 of a JPEG, eXIf of a PNG.",
)
XMP = _rule("picture/xmp", "error", "XMP data: free text about the picture", "privxray", "APP1 of a JPEG.")
IPTC = _rule(
    "picture/iptc", "error", "Photoshop or IPTC data: captions, names, dates", "privxray", "APP13 of a JPEG."
)
COMMENT = _rule("picture/comment", "error", "a comment", "privxray", "COM of a JPEG.")
TEXT = _rule(
    "picture/text",
    "error",
    "a text chunk",
    "privxray",
    "tEXt, zTXt and iTXt of a PNG; never unfolded, so a bomb in it costs nothing.",
)
TIME = _rule(
    "picture/time",
    "error",
    "the time at which the picture was last changed",
    "privxray",
    "A PNG never needs one, and it is most often the day of the export.",
)
THUMBNAIL = _rule(
    "picture/thumbnail",
    "error",
    "a second, smaller picture, perhaps of the uncropped original",
    "privxray",
    "In the JFIF header of a JPEG.",
)
PROFILE = _rule(
    "picture/profile",
    "notice",
    "a colour profile, which has text fields of its own",
    "privxray",
    "It describes a monitor or a scanner, and converters add a standard one to almost every picture.",
)
EXTRA = _rule(
    "picture/extra",
    "error",
    "data that is not needed to show the picture and may hold anything",
    "privxray",
    "Whatever is not on the list of segments and chunks that show the picture.",
)
PICTURE_TRAILING = _rule(
    "picture/trailing", "error", "data after the end of the picture", "privxray", "No viewer shows it."
)
PICTURE_ZEROS = _rule(
    "picture/trailing-zeros", "notice", "zero bytes after the end of the picture", "privxray", "Padding."
)
