"""The checked data set of a hospital: one private SQLite file that holds no name.

::

    data/data.db      0600, in a folder of mode 0700
      image           study, content, copy, patient, label, split: the index, one row an image of a study
      pixels          content -> the canonical image, 260 x 260 bytes, and the decoder that made it
      redecoded       the same, by this version's decoder, of images whose pixels are of an earlier one
      feature         content, extractor -> its frozen features, float32 little-endian
      judged          content -> what stands for its pixels, and what was odd about them
      source          study, content -> what stands for the ids that the csv and the file give
      choice          study, name -> what was chosen for this study's data set, such as a map of labels

``content`` and ``patient`` are HMAC-SHA256 values under a secret of the workspace. So the file alone does
not tell who is in it. Nor can anybody find out by comparing hashes which files of a public or stolen
collection are in it. No path and no Patient ID is kept. The labels are readable; the folder's permissions and
the disk's encryption protect them.

Each study has an index of its own, with its labels and splits. Pixels and features are kept once, whichever
studies use them; those that no study uses any more are dropped (docs/adr/0099).

Pixels are kept in the database and not in files of their own. One transaction covers index and pixels, one
fsync covers many images, no file is left over, and what is deleted is overwritten.

An ingest stores pixels in small transactions and writes all its index rows in one at the end. If it is
interrupted before that, the index is unchanged, and the next ingest finds the pixels and need not decode them
again.

A data set of an earlier version opens, with the pixels of that version's decoder and their features. An
ingest of the same files decodes them again. Its last transaction puts the new pixels into the place of the
old and drops the features of those that changed. Where the csv leaves some of the old images out, that
transaction is refused: no data set has images of two decoders.

Nothing outside of this folder reads or writes these tables: :mod:`.dataset_file` opens the file,
:mod:`.study_index` reads an index, :mod:`.stored_pictures` has what is kept of images, and this module
changes an index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from privxray.imaging.data_set.dataset_schema import NO_STUDY, adopt
from privxray.imaging.data_set.entries import Entry, IndexChange
from privxray.imaging.data_set.stored_pictures import StoredPictures
from privxray.imaging.data_set.study_index import StudyIndex
from privxray.naming.patient_id import PatientId, PatientKey
from privxray.workspace.state_tables.withdrawn_tables import NOBODY, Withdrawn

VAL_SHARE = 0.2
"""Probability that a patient without a named split is held out."""


class Dataset(StudyIndex, StoredPictures):
    """The open data set of one study. An empty one is made where there is none yet.

    :param folder: the workspace's ``data`` folder.
    :param secret: 32 bytes of this workspace, the key of every hash in it.
    :param study: whose index this is. :param joined: all studies of the workspace, see
        :func:`~privxray.imaging.data_set.dataset_schema.adopt`.
    :param withdrawn: who is taken out at once, and never comes in.
    :ivar keys: makes the hashes.
    :raises MalformedError: the file is damaged, of another version, or made under another secret. Every
        method raises it where the file turns out to be damaged.
    """

    def __init__(
        self,
        folder: Path,
        secret: bytes,
        study: str = NO_STUDY,
        joined: Sequence[str] = (),
        withdrawn: Withdrawn = NOBODY,
    ) -> None:
        super().__init__(folder, secret, study)
        adopt(self._db, list(joined))
        self._withdrawn = withdrawn
        self._take_out_withdrawn()

    # Keyed hashes

    def content_key(self, data: bytes) -> bytes:
        """What stands for a file's bytes in this data set, 32 bytes."""
        return self.keys.content(data)

    def patient_key(self, patient: PatientId) -> PatientKey:
        """What stands for a patient in this data set, 32 bytes."""
        return self.keys.patient(patient)

    def default_split(self, patient: PatientKey) -> str:
        """``train`` or ``val``, for a patient whom neither the csv nor the index has placed.

        A keyed hash decides for each patient alone. So adding or removing one patient moves no other.
        """
        drawn = int.from_bytes(self.keys.of("split", patient)[:8], "big") / 2**64
        return "val" if drawn < VAL_SHARE else "train"

    # Changing the index

    def commit(self, change: IndexChange) -> int:
        """Change the index, and drop all pixels and features that no row needs any more, in one transaction.

        The same bytes may come several times, for one patient. The index counts such copies. So an entry that
        was added before is not added again, whatever its file is called now. The pixels must be stored
        already.

        :returns: how many rows the index has gained.
        :raises RefusedError: the index would have pixels of an earlier version's decoder beside new ones.
        """
        copies: dict[bytes, int] = {}
        study = self._study
        with self._db.transaction():
            before = self._copies()
            if change.replace:
                self._db.write("DELETE FROM image WHERE study = ?", study)
                self._db.write("DELETE FROM source WHERE study = ?", study)
            if change.update:
                self._correct(change.entries)
            for entry in change.entries:
                copy_ = copies[entry.content] = copies.get(entry.content, -1) + 1
                self._db.write(
                    "INSERT OR IGNORE INTO image VALUES (?, ?, ?, ?, ?, ?)",
                    *(study, entry.content, copy_, entry.patient, entry.label, entry.split),
                )
            self._db.write_many(
                "INSERT OR REPLACE INTO source VALUES (?, ?, ?, ?, ?)",
                [(study, content, *keys) for content, keys in change.sources.items()],
            )
            for name, value in change.choices.items():
                self._db.write("INSERT OR REPLACE INTO choice VALUES (?, ?, ?)", study, name, value)
            self._take_redecoded()
            self._keep_traits(change.traits)
            self._drop_unneeded()
            after = self._copies()
        return len(after - before)

    def _correct(self, entries: Sequence[Entry]) -> None:
        """Take the label, patient and split of these entries, within a transaction."""
        for entry in entries:
            self._db.write(
                "UPDATE image SET patient = ?, label = ? WHERE study = ? AND content = ?",
                *(entry.patient, entry.label, self._study, entry.content),
            )
        for entry in entries:  # all images of a patient are in one split
            self._db.write(
                "UPDATE image SET split = ? WHERE study = ? AND patient = ?",
                *(entry.split, self._study, entry.patient),
            )

    def _keep_traits(self, traits: Mapping[PatientKey, Mapping[str, str]]) -> None:
        """Keep what a csv says of patients, within a transaction."""
        rows = [(who, name, value) for who, values in traits.items() for name, value in values.items()]
        if rows:
            self._db.write_many("INSERT OR REPLACE INTO trait VALUES (?, ?, ?)", rows)

    def _copies(self) -> set[tuple[bytes, int]]:
        """Which images the index has, each as often as it is in it."""
        rows = self._db.all("SELECT content, copy FROM image WHERE study = ?", self._study)
        return {(content, copy) for content, copy in rows}

    def _drop_unneeded(self) -> None:
        """Drop what belongs to images and patients that are in no index any more, within a transaction."""
        for table in ("pixels", "redecoded", "feature", "judged", "source"):
            query = f"DELETE FROM {table} WHERE content NOT IN (SELECT content FROM image)"  # noqa: S608
            self._db.write(query)
        self._db.write("DELETE FROM trait WHERE patient NOT IN (SELECT patient FROM image)")

    # Patients who withdrew

    def has_withdrawn(self, entry: Entry) -> bool:
        """Whether a row is of a patient who withdrew, by the patient's name, the file or the picture."""
        who = self._withdrawn
        return (
            entry.patient in who.patients
            or entry.content in who.contents
            or (bool(who.pictures) and self.picture(entry.content) in who.pictures)
        )

    def _take_out_withdrawn(self) -> None:
        """Take those who withdrew out of every study's index, with their pixels and features."""
        if self._withdrawn == NOBODY:
            return
        with self._db.transaction():
            for column, keys in (
                ("patient", self._withdrawn.patients),
                ("content", self._withdrawn.contents),
            ):
                self._db.write_many(
                    f"DELETE FROM image WHERE {column} = ?",  # noqa: S608 - one of the two names above
                    [(key,) for key in keys],
                )
            self._drop_unneeded()
