"""Attributes that name a patient or an institution: what the set's other places are searched for."""

from __future__ import annotations

from typing import Final

NAME: Final = 0x00100010
ID: Final = 0x00100020
BIRTH_DATE: Final = 0x00100030

IDENTIFIERS: Final = frozenset(
    {
        ID,
        0x00080050,  # Accession Number
        0x00101000,  # Other Patient IDs
        0x00101002,  # Other Patient IDs Sequence, by its items' (0010,0020)
        0x00101005,  # Patient's Birth Name
        0x00102160,
        0x00200010,  # Study ID
        0x00380010,  # Admission ID
        0x00401001,  # Requested Procedure ID
        0x00402016,
        0x00402017,  # placer and filler order numbers
        0x00101040,  # Patient's Address
        0x00102154,  # Patient's Telephone Numbers
        0x00101090,  # Medical Record Locator
        0x00120040,  # Clinical Trial Subject ID
    }
)
"""Attributes whose undisguised values are searched for in the rest of the set as numbers."""

INSTITUTIONS: Final = frozenset(
    {0x00080080, 0x00080081, 0x00081040, 0x0040A027, 0x00120031, 0x00120010, 0x00120060}
)
"""Attributes for the name of an institution or a part of it."""
