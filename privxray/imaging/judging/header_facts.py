"""What the header of an image says of its size, its view and its body part.

Tested in tests/unit/test_imaging_judging.py.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from privxray.deid.dicomfile.file_reader import is_dicom

_LATERAL = frozenset({"LL", "RL", "LAT", "LATERAL", "LLAT", "RLAT"})
_CHEST = re.compile(r"CHEST|THORA|LUNG")


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What counts of a header.

    :ivar rows: of the image as it is stored; 0 where the header does not tell. :ivar columns: likewise.
    :ivar lateral: View Position (0018,5101) says that the view is lateral.
    :ivar foreign: Body Part Examined (0018,0015) is there and names no chest.
    :ivar excess: there are more native pixels than rows and columns take, so one of them may be wrong.
    """

    rows: int = 0
    columns: int = 0
    lateral: bool = False
    foreign: bool = False
    excess: bool = False


def header_facts(data: bytes) -> HeaderFacts:
    """Read them from a file that decodes. What can't be read is taken for not said."""
    if is_dicom(data):
        from privxray.imaging.display.dicom_file import attributes, excess_bytes

        found = attributes(data, ("Rows", "Columns", "ViewPosition", "BodyPartExamined"))
        part = found["BodyPartExamined"].upper()
        return HeaderFacts(
            rows=_number(found["Rows"]),
            columns=_number(found["Columns"]),
            lateral=found["ViewPosition"].upper() in _LATERAL,
            foreign=bool(part) and not _CHEST.search(part),
            excess=excess_bytes(data) > 0,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's may quote a chunk of the file
        try:
            with Image.open(BytesIO(data), formats=["JPEG", "PNG"]) as picture:
                return HeaderFacts(picture.height, picture.width)
        except Exception:  # noqa: BLE001 - it was decoded before; and nothing depends on this
            return HeaderFacts()


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
