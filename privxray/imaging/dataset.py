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

The module is long because all that reads or writes these tables stands in it, and nothing else may.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from privxray.errors import MalformedError, RefusedError
from privxray.imaging.dataset_keys import DatasetKeys
from privxray.imaging.dataset_schema import KNOWN, NO_STUDY, adopt, bring_up_to_date
from privxray.imaging.decode import DECODER, SIZE
from privxray.imaging.glance import FILE
from privxray.imaging.judging.header_facts import HeaderFacts
from privxray.imaging.judging.one_picture import Judgement, judge
from privxray.naming.patient_id import PatientId, PatientKey
from privxray.workspace.private_database import PrivateDatabase
from privxray.workspace.withdrawn_tables import NOBODY, Withdrawn

VAL_SHARE = 0.2
"""Probability that a patient without a named split is held out."""

_ANEW = "Delete this file, then ingest the images again"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the index. ``content`` and ``patient`` are keyed hashes of 32 bytes."""

    content: bytes
    patient: PatientKey = field(repr=False)
    label: str
    split: str


class SourceKeys(NamedTuple):
    """What stands for the ids of an image: :mod:`privxray.imaging.labelling.patient_sources` compares them.

    :ivar spelling: of the csv's patient, spelling apart. :ivar id: of PatientID. :ivar visit: of
        StudyInstanceUID.
    """

    spelling: bytes
    id: bytes | None
    visit: bytes | None


@dataclass(frozen=True)
class IndexChange:
    """What an ingest changes in an index.

    :ivar entries: the rows of its csv. :ivar sources: by content.
    :ivar replace: these rows are the whole index from now on.
    :ivar update: where the index has another label, patient or split for them, these count.
    :ivar choices: what was chosen with them, by name.
    :ivar traits: by patient, values by the columns' names, see
        :mod:`privxray.imaging.labelling.patient_traits`; they replace what was kept of those columns.
    """

    entries: Sequence[Entry]
    sources: Mapping[bytes, SourceKeys] = field(default_factory=dict)
    replace: bool = False
    update: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    traits: Mapping[PatientKey, Mapping[str, str]] = field(default_factory=dict)


Picture = tuple[npt.NDArray[np.uint8], Judgement]
"""A canonical image, uint8 ``[260, 260]``, and what was seen in it."""


class Dataset:
    """The open data set of one study. An empty one is made where there is none yet.

    :param folder: the workspace's ``data`` folder.
    :param secret: 32 bytes of this workspace, the key of every hash in it.
    :param study: whose index this is. :param joined: all studies of the workspace, see
        :func:`~privxray.imaging.dataset_schema.adopt`.
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
        self.keys = DatasetKeys(secret)
        self._study = study
        self._left_out: frozenset[bytes] = frozenset()
        self._path = folder / FILE
        self._db = PrivateDatabase(self._path, self.damaged)
        self._prepare()
        adopt(self._db, list(joined))
        self._withdrawn = withdrawn
        self._take_out_withdrawn()

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. What was committed is on the disk."""
        self._db.close()

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

    # The index

    def find(self, content: bytes) -> Entry | None:
        """The index row of a file's bytes, the first where there are several; None where there is none."""
        query = "SELECT content, patient, label, split FROM image WHERE study = ? AND content = ?"
        row = self._db.first(query, self._study, content)
        return Entry(*row) if row else None

    def split_of(self, patient: PatientKey) -> str | None:
        """The split of a patient; None where the patient is not in the index."""
        query = "SELECT split FROM image WHERE study = ? AND patient = ?"
        row = self._db.first(query, self._study, patient)
        return str(row[0]) if row else None

    def entries(self, split: str | None = None) -> list[Entry]:
        """The rows of one split, or all rows, ordered by patient and content.

        The order is a fact of the data set alone: it does not depend on the order of a csv.
        """
        query = (
            "SELECT content, patient, label, split FROM image WHERE study = ? AND (? IS NULL OR split = ?) "
            "ORDER BY patient, content, copy"
        )
        rows = (Entry(*row) for row in self._db.all(query, self._study, split, split))
        return [entry for entry in rows if entry.patient not in self._left_out]

    def without(self, patients: Collection[PatientKey]) -> Dataset:
        """The same data set, whose :meth:`entries` leave these patients out."""
        view = copy(self)
        view._left_out = frozenset(patients)
        return view

    def counts(self) -> dict[tuple[str, str], tuple[int, int]]:
        """How many images and patients each split and label has.

        The counts are exact, so they are for the hospital's own screen only.
        """
        query = (
            "SELECT split, label, count(*), count(DISTINCT patient) FROM image WHERE study = ? "
            "GROUP BY split, label"
        )
        rows = self._db.all(query, self._study)
        return {(split, label): (images, number) for split, label, images, number in rows}

    def patients(self, split: str | None = None) -> int:
        """How many patients one split has, or the whole data set."""
        query = "SELECT count(DISTINCT patient) FROM image WHERE study = ? AND (? IS NULL OR split = ?)"
        return self._db.number(query, self._study, split, split)

    def fingerprint(self, split: str | None = None) -> str:
        """A keyed hash of the index or of a split, in hex. It changes with any row, and with the decoder."""
        mac = self.keys.fingerprint()
        query = "SELECT coalesce(max(decoder), 1) FROM image JOIN pixels USING (content) WHERE study = ?"
        if (decoder := self._db.number(query, self._study)) > 1:
            mac.update(b"decoder" + decoder.to_bytes(4, "big"))
        for entry in self.entries(split):
            for part in (entry.content, entry.patient, entry.label.encode(), entry.split.encode()):
                mac.update(len(part).to_bytes(4, "big") + part)
        return mac.hexdigest()

    def sources(self) -> dict[bytes, SourceKeys]:
        """What stands for the ids that the csv and the files gave, by content, as far as it was noted."""
        query = "SELECT content, spelling, id, visit FROM source WHERE study = ?"
        return {content: SourceKeys(*keys) for content, *keys in self._db.all(query, self._study)}

    def split_of_spelling(self, spelling: bytes) -> str | None:
        """The split of a patient whose id differs from this one by spelling alone; None where there is none.

        :param spelling: what stands for the id, as in :class:`SourceKeys`.
        """
        query = "SELECT split FROM image JOIN source USING (study, content) WHERE study = ? AND spelling = ?"
        row = self._db.first(query, self._study, spelling)
        return str(row[0]) if row else None

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
            self._drop_unneeded()
            self._keep_traits(change.traits)
            after = self._copies()
        return len(after - before)

    def _drop_unneeded(self) -> None:
        """Drop what belongs to images that are in no index any more, within a transaction."""
        for table in ("pixels", "redecoded", "feature", "judged", "source"):
            query = f"DELETE FROM {table} WHERE content NOT IN (SELECT content FROM image)"  # noqa: S608
            self._db.write(query)
        self._db.write("DELETE FROM trait WHERE patient NOT IN (SELECT patient FROM image)")

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

    def choice(self, name: str) -> str | None:
        """What was chosen for this study's data set; None where nothing was."""
        query = "SELECT value FROM choice WHERE study = ? AND name = ?"
        row = self._db.first(query, self._study, name)
        return str(row[0]) if row else None

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

    # Traits

    def traits(self, name: str) -> dict[PatientKey, str]:
        """The values of one column, by patient of this study."""
        query = (
            "SELECT patient, value FROM trait WHERE patient IN (SELECT patient FROM image WHERE study = ?) "
            "AND name = ?"
        )
        return dict(self._db.all(query, self._study, name))

    def trait_names(self) -> list[str]:
        """The columns that patients of this study have values in."""
        query = (
            "SELECT DISTINCT name FROM trait WHERE patient IN (SELECT patient FROM image WHERE study = ?) "
            "ORDER BY name"
        )
        return [str(row[0]) for row in self._db.all(query, self._study)]

    # Pixels and features

    def has_pixels(self, content: bytes) -> bool:
        """Whether this version's canonical image of these bytes is stored, be it by an interrupted ingest."""
        query = "SELECT 1 FROM {} WHERE content = ? AND decoder = ?"
        return any(self._db.first(query.format(table), content, DECODER) for table in ("pixels", "redecoded"))

    def is_ready(self, content: bytes) -> bool:
        """Whether these bytes need not be decoded and judged again."""
        query = "SELECT 1 FROM judged WHERE content = ? AND decoder = ?"
        return self.has_pixels(content) and self._db.first(query, content, DECODER) is not None

    def keep_pictures(self, pictures: Mapping[bytes, Picture]) -> None:
        """Store canonical images and what was seen in them, by content, in one transaction.

        Where there are pixels of an earlier decoder, those stay in use until :meth:`commit`.
        """
        old = "SELECT 1 FROM pixels WHERE content = ? AND decoder <> ?"
        with self._db.transaction():
            for content, (image, judgement) in pictures.items():
                table = "redecoded" if self._db.first(old, content, DECODER) else "pixels"
                insert = f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)"  # noqa: S608 - one of two names
                self._db.write(insert, content, image.tobytes(), DECODER)
                self._db.write(
                    "INSERT OR REPLACE INTO judged VALUES (?, ?, ?, ?, ?, ?)",
                    *(content, DECODER, self.keys.picture(image)),
                    *(judgement.likeness, judgement.background, judgement.to_text()),
                )

    def judgement(self, content: bytes) -> Judgement:
        """What was seen in an image when it was ingested.

        An image that an earlier version ingested is judged by its pixels now.
        """
        query = "SELECT likeness, background, remarks FROM judged WHERE content = ?"
        row = self._db.first(query, content)
        return judge(self.pixels(content), HeaderFacts()) if row is None else Judgement.from_text(*row)

    def pixels(self, content: bytes) -> npt.NDArray[np.uint8]:
        """The canonical image, uint8 ``[260, 260]``.

        :raises MalformedError: it is missing or damaged.
        """
        row = self._db.first("SELECT data FROM pixels WHERE content = ?", content)
        if row is None or len(row[0]) != SIZE * SIZE:
            raise self.damaged()
        return np.frombuffer(row[0], np.uint8).reshape(SIZE, SIZE)

    def picture(self, content: bytes) -> bytes:
        """What stands for the canonical image of these bytes, 32 bytes: the same for the same picture.

        :raises MalformedError: its pixels are missing or damaged.
        """
        row = self._db.first("SELECT picture FROM judged WHERE content = ?", content)
        return self.keys.picture(self.pixels(content)) if row is None else bytes(row[0])

    def keep_features(self, extractor: str, rows: Mapping[bytes, npt.NDArray[np.float32]]) -> None:
        """Store features, float32 ``[D]``, by content, in one transaction.

        :param extractor: the public name of what computed them.
        """
        with self._db.transaction():
            self._db.write_many(
                "INSERT OR REPLACE INTO feature VALUES (?, ?, ?)",
                [(content, extractor, row.astype("<f4").tobytes()) for content, row in rows.items()],
            )

    def has_features(self, extractor: str) -> set[bytes]:
        """The contents whose features by this extractor are stored."""
        rows = self._db.all("SELECT content FROM feature WHERE extractor = ?", extractor)
        return {bytes(row[0]) for row in rows}

    def features(self, extractor: str, content: bytes) -> npt.NDArray[np.float32]:
        """The stored features of one image, float32 ``[D]``.

        :raises MalformedError: they are missing or damaged.
        """
        query = "SELECT data FROM feature WHERE content = ? AND extractor = ?"
        row = self._db.first(query, content, extractor)
        if row is None or len(row[0]) % 4:
            raise self.damaged()
        return np.frombuffer(row[0], "<f4").astype(np.float32)

    def damaged(self) -> MalformedError:
        """The error that says that this file is damaged."""
        return MalformedError(
            "the data set is damaged", reason="dataset.damaged", file=self._path, advice=_ANEW
        )

    def _copies(self) -> set[tuple[bytes, int]]:
        """Which images the index has, each as often as it is in it."""
        rows = self._db.all("SELECT content, copy FROM image WHERE study = ?", self._study)
        return {(content, copy) for content, copy in rows}

    def _keep_traits(self, traits: Mapping[PatientKey, Mapping[str, str]]) -> None:
        """Keep what a csv says of patients, and forget patients who left, within a transaction."""
        rows = [(who, name, value) for who, values in traits.items() for name, value in values.items()]
        if rows:
            self._db.write_many("INSERT OR REPLACE INTO trait VALUES (?, ?, ?)", rows)
        self._db.write("DELETE FROM trait WHERE patient NOT IN (SELECT patient FROM image)")

    def _take_redecoded(self) -> None:
        """Put new pixels in the place of those of an earlier decoder, within a transaction."""
        self._db.write(
            "DELETE FROM feature WHERE content IN (SELECT content FROM redecoded JOIN pixels USING (content) "
            "WHERE redecoded.data <> pixels.data)"
        )
        self._db.write("INSERT OR REPLACE INTO pixels SELECT * FROM redecoded WHERE decoder = ?", DECODER)
        self._db.write("DELETE FROM redecoded")
        query = (
            "SELECT study, sum(decoder <> ?) FROM image JOIN pixels USING (content) GROUP BY study "
            "HAVING count(DISTINCT decoder) > 1 ORDER BY study <> ?"
        )
        mixed = self._db.first(query, DECODER, self._study)
        if mixed is not None:
            old = mixed[1]
            raise RefusedError(
                f"an earlier version of privxray decoded {old} {'image' if old == 1 else 'images'} of the "
                "data set in another way, and this csv does not name all of them, so no image was taken in",
                reason="dataset.two-decoders",
                file=self._path,
                advice="Ingest all images with one csv, or add --replace to keep only those that it names",
            )

    def _prepare(self) -> None:
        """Make the tables, or make sure that they were made by a known version under this secret."""
        made_by = self._db.number("PRAGMA user_version")
        if made_by not in KNOWN:
            raise MalformedError(
                "the data set was made by another version of privxray",
                reason="dataset.other-version",
                file=self._path,
                advice=_ANEW,
            )
        tag = self.keys.of("made", b"")
        with self._db.transaction():
            bring_up_to_date(self._db, made_by)
            self._db.write("INSERT INTO made SELECT ? WHERE NOT EXISTS (SELECT 1 FROM made)", tag)
        if self._db.first("SELECT 1 FROM made WHERE tag = ?", tag) is None:
            raise MalformedError(
                "the data set belongs to another workspace, or to an earlier state of this one",
                reason="dataset.other-workspace",
                file=self._path,
                advice=_ANEW,
            )
