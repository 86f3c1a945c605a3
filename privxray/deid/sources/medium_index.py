r"""The index of a medium, DICOMDIR: which files it names (PS3.10 section 8.6, PS3.3 Annex F).

A record names its file by up to eight components below the folder of the index, such as ``IMAGES\IM000001``
(Referenced File ID). All records are read one after the other, whatever order their offsets give them, and
also those that are no longer in use: their files may still be there.

Tested in tests/unit/test_deid_sources.py.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final, TypeAlias

from privxray.deid import tags
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.part10 import read_part10

Reference: TypeAlias = tuple[str, ...]
"""The names of the folders and of the file, below the folder of the index."""

_SEPARATORS: Final = re.compile(r"[\\/]")
_NOT_IN_USE: Final = 0
_DIRECTORY: Final = b"1.2.840.10008.1.3.10"  # SOP class of an index, in its file meta


def is_named_index(path: PurePath) -> bool:
    """Whether a file is called as media call the index of all that lies on them."""
    return path.name.upper() == "DICOMDIR"


def may_be_index(path: PurePath, head: bytes) -> bool:
    """Whether a file that was named by itself is an index, by its name or by its first bytes."""
    return is_named_index(path) or _DIRECTORY in head


def references(data: bytes) -> dict[Reference, bool] | None:
    """The files that an index names, and whether each record is in use; None for what is no index.

    An index that is damaged is none: the check then says what is wrong with it.
    """
    if not is_dicom(data):
        return None
    try:
        tree = read_part10(data).tree
    except (DamagedError, MemoryError):
        return None
    except Exception:  # noqa: BLE001 - as in scan_bytes: one hostile file must not end the reading of all others
        return None
    records = tree.nodes.get(tags.DIRECTORY_RECORD_SEQUENCE)
    if records is None or tags.SOP_INSTANCE_UID in tree.nodes or tags.PIXEL_DATA in tree.nodes:
        return None
    found: dict[Reference, bool] = {}
    for record in records.items or ():
        named = record.text(tags.REFERENCED_FILE_ID)
        if named:
            parts = tuple(part.strip() for part in _SEPARATORS.split(named))
            in_use = record.number(tags.RECORD_IN_USE_FLAG) != _NOT_IN_USE
            found[parts] = found.get(parts, False) or in_use
    return found


def leads_outside(reference: Reference) -> bool:
    """Whether a reference would leave the folder of the index: absolute, with a drive, or by ``..``."""
    return any(part in ("", ".", "..") or ":" in part or "\0" in part for part in reference)
