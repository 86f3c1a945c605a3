"""The rules of the check by name: what each is called, how grave it is, and where the standard says so.

The texts are data, in ``rules.toml`` beside this module; docs/RULES.md is made of them. To word a rule, edit
that file. To add one, add its table there and its name below, and give it in :mod:`privxray.deid.judging`,
for nothing is judged here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Final

from privxray.deid.findings.remedies import Remedy
from privxray.deid.findings.report import Finding, Severity
from privxray.deid.tags import label


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``rules.toml`` says at its head what each field holds."""

    id: str
    severity: Severity
    says: str
    source: str
    do: Remedy
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
        """A finding about the whole file.

        :param why: a fixed text of this package.
        """
        return Finding(self.id, self.severity, "file", f"{self.says}: {why}")

    def more(self, places: int) -> Finding:
        """Stands for the findings beyond those that a report lists of one rule and file.

        :param places: how many there are.
        """
        return Finding(self.id, self.severity, "file", f"{self.says}: {places} more places, not listed")


def _rules() -> dict[str, Rule]:
    text = resources.files("privxray.deid.findings").joinpath("rules.toml").read_text(encoding="utf-8")
    return {
        id: Rule(
            id,
            says["severity"],
            says["says"],
            says["source"],
            Remedy(says["do"]),
            " ".join(says["about"].split()),
        )
        for id, says in tomllib.loads(text).items()
    }


RULES: Final = _rules()
"""Every rule by its identifier, in the order of ``rules.toml``."""

# By the action of Table E.1-1
REMOVE: Final = RULES["E.1-1/X"]
REMOVE_EMPTY: Final = RULES["E.1-1/X-empty"]
EMPTY: Final = RULES["E.1-1/Z"]
PSEUDONYM: Final = RULES["E.1-1/pseudonym"]
REPLACE: Final = RULES["E.1-1/D"]
NAME: Final = RULES["E.1-1/name"]
BIRTH_DATE: Final = RULES["E.1-1/birth-date"]
ADDRESS: Final = RULES["E.1-1/address"]
FREE_TEXT: Final = RULES["E.1-1/free-text"]
INSTITUTION: Final = RULES["E.1-1/institution"]
CLEAN: Final = RULES["E.1-1/C"]
CLEAN_GRAPHICS: Final = RULES["E.1-1/C-graphics"]
NEW_UID: Final = RULES["E.1-1/U"]
AGE: Final = RULES["age"]
CONTENT_ITEM_REMOVE: Final = RULES["E.3.4-1/X"]
CONTENT_ITEM_REPLACE: Final = RULES["E.3.4-1/D"]

# What may not be there at all
PRIVATE: Final = RULES["private"]
UNKNOWN: Final = RULES["unknown"]
VR: Final = RULES["vr"]
VR_CONTENT: Final = RULES["vr-content"]
KEPT_TEXT: Final = RULES["kept-text"]
KEPT_DATE: Final = RULES["kept-text/date"]
KEPT_NUMBER: Final = RULES["kept-text/number"]
KEPT_UNKNOWN: Final = RULES["kept-text/unknown"]
DUPLICATE: Final = RULES["duplicate"]
NOT_A_UID: Final = RULES["uid"]
STANDARD_UID_REPLACED: Final = RULES["uid-class"]

# The file around the data set
TRAILING_ZEROS: Final = RULES["trailing-zeros"]
PREAMBLE: Final = RULES["preamble"]
META_UID: Final = RULES["file-meta/uid"]
META_CLASS: Final = RULES["file-meta/class"]
META_NETWORK: Final = RULES["file-meta/network"]
META_PRIVATE: Final = RULES["file-meta/private"]
META_PLACE: Final = RULES["file-meta/place"]
DIRECTORY: Final = RULES["directory"]
DOCUMENT: Final = RULES["document"]
UNREADABLE: Final = RULES["unreadable"]

# What the file says of itself
DECLARED: Final = RULES["declared"]
METHOD: Final = RULES["method"]
METHOD_TEXT: Final = RULES["method-text"]
METHOD_CODE: Final = RULES["method-code"]
METHOD_OPTIONS: Final = RULES["method-options"]
METHOD_CONTRADICTION: Final = RULES["method-contradiction"]
TEMPORAL: Final = RULES["temporal"]
BURNED_IN: Final = RULES["burned-in"]
BURNED_IN_UNKNOWN: Final = RULES["burned-in-unknown"]
BURNED_IN_UNSAID: Final = RULES["burned-in-unsaid"]
RECOGNIZABLE_FEATURES: Final = RULES["features"]
RECOGNIZABLE_FEATURES_UNSAID: Final = RULES["features-unsaid"]

# The pixels, with --ocr
PIXEL_TEXT: Final = RULES["pixels/text"]
PIXEL_MARKER: Final = RULES["pixels/marker"]
PIXELS_UNSEEN: Final = RULES["pixels/unseen"]

# What only the whole set of files tells
LEAK: Final = RULES["leak"]
LEAK_PSEUDONYM: Final = RULES["leak-pseudonym"]
LEAK_BYTES: Final = RULES["leak-bytes"]
LEAK_PATH: Final = RULES["leak-path"]
LEAK_LIMIT: Final = RULES["leak-limit"]
SET_INSTANCE: Final = RULES["set-instance"]
SET_SERIES: Final = RULES["set-series"]
SET_STUDY: Final = RULES["set-study"]
SET_PATIENT: Final = RULES["set-patient"]
SET_DATES: Final = RULES["set-dates"]

# What only the originals tell, with --against
AGAINST_UNMATCHED: Final = RULES["against/unmatched"]
AGAINST_NO_FILE: Final = RULES["against/no-file"]
AGAINST_MERGED: Final = RULES["against/merged"]
AGAINST_VALUE: Final = RULES["against/value"]
AGAINST_DATE: Final = RULES["against/date"]
AGAINST_UID: Final = RULES["against/uid"]
AGAINST_PIXELS: Final = RULES["against/pixels"]
AGAINST_PIXELS_UNSEEN: Final = RULES["against/pixels-unseen"]
DOCUMENT_SEARCHED: Final = RULES["against/document"]

# JPEG and PNG
PICTURE_EXIF: Final = RULES["picture/exif"]
PICTURE_XMP: Final = RULES["picture/xmp"]
PICTURE_IPTC: Final = RULES["picture/iptc"]
PICTURE_COMMENT: Final = RULES["picture/comment"]
PICTURE_TEXT: Final = RULES["picture/text"]
PICTURE_TIME: Final = RULES["picture/time"]
PICTURE_THUMBNAIL: Final = RULES["picture/thumbnail"]
PICTURE_COLOUR_PROFILE: Final = RULES["picture/profile"]
PICTURE_EXTRA: Final = RULES["picture/extra"]
PICTURE_TRAILING: Final = RULES["picture/trailing"]
PICTURE_TRAILING_ZEROS: Final = RULES["picture/trailing-zeros"]
