"""A de-identifier for tests: Table E.1-1 to the letter, with pydicom, and nothing clever.

It shares the csv with the check, but none of its judgement, so that a file it made is a fair sample of one
that is properly de-identified. What it makes is checked, never shipped.
"""

from __future__ import annotations

import csv
import hashlib
import io
import warnings
from importlib import resources

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID_dictionary

from privxray.deid.profile.pseudonym_forms import pseudonym_of, uid_of

_DUMMY = {
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101000000",
    "PN": "ANONYMOUS",
    "AS": "",
    "DS": "0",
    "IS": "0",
}
_SOURCE = resources.files("privxray.deid.profile").joinpath("tables", "table_e1_1.csv").read_text()
ACTIONS = {
    int(row["tag"][1:5] + row["tag"][6:10], 16): row["basic_profile_action"]
    for row in csv.DictReader(io.StringIO(_SOURCE))
    if "x" not in row["tag"] and "g" not in row["tag"]
}


def deidentified(data: bytes) -> bytes:
    """The file under the Basic Profile, pixel data as it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(io.BytesIO(data), force=True)
        pseudonym = pseudonym_of(hashlib.sha256(str(ds.get("PatientID", "")).encode()).digest())
        _walk(ds)
        if "PixelData" in ds and "BurnedInAnnotation" not in ds:
            ds.BurnedInAnnotation = "NO"
        ds.PatientName = ds.PatientID = pseudonym
        ds.PatientIdentityRemoved = "YES"
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
        code.CodeMeaning = "Basic Application Confidentiality Profile"
        ds.DeidentificationMethodCodeSequence = [code]
        for tag in list(ds.file_meta):
            if tag.tag.elem >= 0x0016:
                del ds.file_meta[tag.tag]
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.preamble = bytes(128)
        stream = io.BytesIO()
        pydicom.dcmwrite(stream, ds)
        return stream.getvalue()


def _walk(ds: Dataset) -> None:
    for tag in list(ds.keys()):
        element = ds[tag]
        if (
            tag.group & 1
            or tag.group >> 8 == 0x50
            or (tag.group >> 8 == 0x60 and tag.elem in (0x3000, 0x4000))
        ):
            del ds[tag]
            continue
        action = ACTIONS.get(int(tag), "")
        if action == "U" or action == "X/Z/U*":
            if element.VR == "UI" and element.value:
                values = [element.value] if isinstance(element.value, str) else list(element.value)
                element.value = [_uid(str(value)) for value in values]
            for item in element.value if element.VR == "SQ" else ():
                _walk(item)
        elif action.startswith("X"):
            del ds[tag]
        elif action.startswith("Z"):
            element.value = Sequence() if element.VR == "SQ" else ""
        elif action == "D":
            if element.VR == "SQ":
                element.value = Sequence()
            elif element.VR in ("OB", "OW", "UN"):
                element.value = b""
            else:
                element.value = _DUMMY.get(element.VR, "REMOVED")
        elif element.VR == "SQ":
            for item in element.value:
                _walk(item)
        elif element.VR == "UI" and tag == 0x00080018:
            element.value = _uid(str(element.value))


def _uid(value: str) -> str:
    return value if value in UID_dictionary or not value else uid_of(hashlib.sha256(value.encode()).digest())
