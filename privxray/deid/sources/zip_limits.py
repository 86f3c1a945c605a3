"""Limits on a zip, and the fixed texts that say which one it breaks.

The limits let pass what archives of hospitals hold, and stop what was made to fill a disk or a memory: a zip
can state that it unfolds to any size, and parts of it can be used many times over (Fifield 2019, "A better
zip bomb"). Deflate packs at most 1,032 to 1; radiographs pack 2 or 3 to 1.
"""

from __future__ import annotations

from typing import Final

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError

MAX_DEPTH: Final = 3
"""Zips within each other, the outermost included."""

MAX_ENTRIES: Final = 250_000
"""Most entries of one zip."""

MAX_LISTED: Final = 1_000_000
"""Most entries of all zips below what a user named."""

MAX_DIRECTORY: Final = 128 << 20
"""Most bytes of the list of entries at the end of a zip."""

MAX_UNFOLDED: Final = 1 << 40
"""Most bytes that the entries of one zip may have in all."""

MAX_INNER: Final = 8 << 30
"""Most bytes of a zip within a zip, which is unfolded into a temporary file."""

MAX_RATIO: Final = 200
"""Most bytes that one stored byte may become, where the result is large."""

MAX_GAP: Final = 1 << 10
"""Most bytes between two entries that neither has: extra fields, and sizes that come behind an entry."""

LARGE: Final = 256 << 20
"""Up to so many bytes, an entry or a zip may be packed as tightly as can be: a black image is."""

DAMAGED: Final = "the zip is damaged or cut off"
TOO_MANY: Final = f"the zip has more than {MAX_ENTRIES:,} entries; unpack it, and name the folder"
TOO_MANY_IN_ALL: Final = f"the zips here have more than {MAX_LISTED:,} entries together; name fewer of them"
UNFOLDS: Final = "the zip would unfold to far more than it is large, as a zip bomb does"
OVERLAPS: Final = "entries of the zip share the same bytes, as in a zip bomb"
UNLISTED: Final = "the zip holds bytes that its list of files does not name; unpack it, and name the folder"
TOO_DEEP: Final = f"it is a zip within {MAX_DEPTH} others, and no deeper one is read; unpack the outer ones"
TOO_LARGE_INSIDE: Final = "it is a zip of more than 8 GiB within a zip; unpack the outer one"
OTHER_ARCHIVE: Final = (
    "it is an archive or a compressed file of a kind that is not read (only zip is); unpack it"
)
DOCUMENT: Final = "it is an office document, not an archive of images"

ENTRY_DAMAGED: Final = "its bytes in the zip are damaged, or are not those that the zip promises"
ENTRY_UNFOLDS: Final = "it would unfold to far more than it takes in the zip, as a zip bomb does"
ENCRYPTED: Final = "it is encrypted in the zip; unpack it with its password first"
COMPRESSION: Final = "it is compressed in the zip in a way that is not read; unpack the zip first"
LINK: Final = "in the zip it is a link or a device, not a file"
OUTSIDE: Final = "its name in the zip leads out of the zip"
TWICE: Final = "the zip has another file of the same name"
CHANGED: Final = "the zip was changed while it was read"

REASONS: Final = {
    DAMAGED: "archive.damaged",
    TOO_MANY: "archive.too-many-entries",
    UNFOLDS: "archive.unfolds",
    OVERLAPS: "archive.overlaps",
    UNLISTED: "archive.unlisted",
    OTHER_ARCHIVE: "archive.other-kind",
    DOCUMENT: "archive.document",
}
"""The stable name of what stops a whole zip that was typed (docs/REASONS.md)."""


class UnreadArchiveError(UnreadFileError):
    """A zip could not be opened, or must not be. The text is one of this module's."""
