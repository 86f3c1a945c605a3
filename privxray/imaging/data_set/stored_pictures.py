"""What is kept of a data set's images: canonical pixels, what was seen in them, and their features.

All of it is kept once, whichever studies use it, and dropped once no study does (docs/adr/0099).

Tested in tests/unit/test_imaging_dataset.py.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from privxray.errors import RefusedError
from privxray.imaging.data_set.dataset_file import DatasetFile
from privxray.imaging.decode import DECODER, SIZE
from privxray.imaging.judging.header_facts import HeaderFacts
from privxray.imaging.judging.one_picture import Judgement, judge

Picture = tuple[npt.NDArray[np.uint8], Judgement]
"""A canonical image, uint8 ``[260, 260]``, and what was seen in it."""


class StoredPictures(DatasetFile):
    """Pixels and features of a data set, by the keyed hash of the file's bytes."""

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
