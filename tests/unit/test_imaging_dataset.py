"""The data set and letting files into it: all or nothing, no name inside, and no patient in two places."""

from __future__ import annotations

import io
import sqlite3
import struct
import zlib
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path

import numpy as np
import pytest
from deid_samples import clean
from imaging_samples import CLASSES, SENTINEL, dicom, jpeg, picture, png, ramp, study, table, written
from PIL import Image

from privxray.errors import (
    FindingsError,
    MalformedError,
    RefusedError,
    SystemTroubleError,
    WorkspaceError,
)
from privxray.imaging import ingest as ingesting
from privxray.imaging import split_arrays
from privxray.imaging.data_set.dataset import Dataset
from privxray.imaging.data_set.glance import images_of_earlier_decoders
from privxray.imaging.decode import DECODER, decode
from privxray.imaging.features import DIMS, POOLED
from privxray.imaging.ingest import ingest
from privxray.imaging.ingest_report import IngestOptions
from privxray.naming.patient_id import PatientId
from privxray.system import private_files
from privxray.workspace import private_database

SECRET = bytes(range(32))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "ws" / "data", SECRET)


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


# What comes in


def test_images_come_in_and_nothing_names_them(tmp_path: Path, dataset: Dataset) -> None:
    images, labels = study(tmp_path, 6)
    steps: list[tuple[int, int]] = []
    report = ingest(images, labels, dataset, CLASSES, progress=lambda done, all_: steps.append((done, all_)))
    assert (report.images, report.added, report.patients) == (6, 6, 3)
    assert steps == [(number, 6) for number in range(1, 7)]
    assert sum(images for images, _ in report.counts.values()) == 6
    for entry in dataset.entries():
        assert dataset.pixels(entry.content).shape == (260, 260)
    stored = everything(tmp_path / "ws")
    assert SENTINEL.encode() not in stored
    assert b"im0" not in stored
    for path in (tmp_path / "ws/data", *(tmp_path / "ws/data").iterdir()):
        assert not private_files.others_may_read(path)


def test_the_pixels_are_the_decoders(tmp_path: Path, dataset: Dataset) -> None:
    images, labels = study(tmp_path, 2)
    ingest(images, labels, dataset, CLASSES)
    data = (images / "im1.png").read_bytes()
    np.testing.assert_array_equal(dataset.pixels(dataset.content_key(data)), decode(data, name="im"))


def test_ingesting_again_adds_nothing_and_more_files_add_themselves(tmp_path: Path, dataset: Dataset) -> None:
    images, labels = study(tmp_path, 4)
    ingest(images, labels, dataset, CLASSES)
    before = dataset.fingerprint()
    assert ingest(images, labels, dataset, CLASSES).added == 0
    assert dataset.fingerprint() == before
    (images / "new.png").write_bytes(png(picture(99)))
    (images / "im0.png").rename(images / "moved.png")
    again = table(tmp_path, ["new.png,p9,virus", f"moved.png,{SENTINEL}0,normal"])
    report = ingest(images, again, dataset, CLASSES)
    assert (report.added, report.patients, len(dataset.entries())) == (1, 3, 5)
    assert dataset.fingerprint() != before


def test_order_of_ingest_does_not_show(tmp_path: Path) -> None:
    images, labels = study(tmp_path, 6)
    rows = labels.read_text().splitlines()[1:]
    one, two = Dataset(tmp_path / "1", SECRET), Dataset(tmp_path / "2", SECRET)
    ingest(images, labels, one, CLASSES)
    for part in (rows[3:], rows[:3]):
        ingest(images, table(tmp_path, part), two, CLASSES)
    assert one.entries() == two.entries()
    assert one.fingerprint() == two.fingerprint()
    assert Dataset(tmp_path / "3", b"x" * 32).fingerprint() != Dataset(tmp_path / "4", SECRET).fingerprint()


def test_the_same_bytes_twice_for_one_patient_are_kept(tmp_path: Path, dataset: Dataset) -> None:
    images, _ = study(tmp_path, 1)
    (images / "copy.png").write_bytes((images / "im0.png").read_bytes())
    labels = table(tmp_path, ["im0.png,p1,normal", "copy.png,p1,normal"])
    assert ingest(images, labels, dataset, CLASSES).added == 2
    assert ingest(images, labels, dataset, CLASSES).added == 0
    assert ingest(images, table(tmp_path, ["copy.png,p1,normal"]), dataset, CLASSES).added == 0
    assert len(dataset.entries()) == 2


def test_replace_forgets_what_the_csv_leaves_out(tmp_path: Path, dataset: Dataset) -> None:
    images, labels = study(tmp_path, 4)
    ingest(images, labels, dataset, CLASSES)
    gone = dataset.content_key((images / "im3.png").read_bytes())
    report = ingest(
        images, table(tmp_path, ["im0.png,other,virus"]), dataset, CLASSES, IngestOptions(replace=True)
    )
    assert (report.added, report.patients, len(dataset.entries())) == (0, 1, 1)
    assert dataset.entries()[0].label == "virus"
    assert not dataset.has_pixels(gone)


def test_the_patient_may_come_from_the_dicom_file(tmp_path: Path, dataset: Dataset) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number, patient in enumerate(("case01", "case01", "case02")):
        ids = {"PatientID": patient, "PatientName": patient, "StudyInstanceUID": f"1.2.3.{number}"}
        (images / f"{number}.dcm").write_bytes(written(dicom(ramp(32 + number), **ids)))
    labels = table(tmp_path, [f"{number}.dcm,normal" for number in range(3)], "file,label")
    assert ingest(images, labels, dataset, CLASSES).patients == 2
    assert {entry.patient for entry in dataset.entries()} == {
        dataset.patient_key(PatientId("case01")),
        dataset.patient_key(PatientId("case02")),
    }


# Splits


def test_a_split_of_the_csv_is_taken(tmp_path: Path, dataset: Dataset) -> None:
    images, _ = study(tmp_path, 3)
    rows = ["im0.png,p1,normal,train", "im1.png,p2,normal,val", "im2.png,p3,normal,test"]
    ingest(images, table(tmp_path, rows, "image,patient,label,split"), dataset, CLASSES)
    assert [dataset.patients(split) for split in ("train", "val", "test")] == [1, 1, 1]
    assert dataset.patients() == 3


def test_a_keyed_hash_holds_out_about_a_fifth(dataset: Dataset, tmp_path: Path) -> None:
    keys = [dataset.patient_key(PatientId(f"p{number}")) for number in range(2000)]
    held = [dataset.default_split(key) for key in keys].count("val")
    assert 330 < held < 470  # 400 expected, standard deviation 18
    other = Dataset(tmp_path / "other", b"o" * 32)
    assert [other.default_split(key) for key in keys] != [dataset.default_split(key) for key in keys]


def test_a_patient_stays_in_the_split_where_she_is(tmp_path: Path, dataset: Dataset) -> None:
    images, _ = study(tmp_path, 4)
    header = "image,patient,label,split"
    ingest(images, table(tmp_path, ["im0.png,p1,normal,test"], header), dataset, CLASSES)
    ingest(images, table(tmp_path, ["im1.png,p1,normal"]), dataset, CLASSES)
    assert {entry.split for entry in dataset.entries()} == {"test"}
    with pytest.raises(RefusedError, match=r"row 2 of labels\.csv") as caught:
        ingest(images, table(tmp_path, ["im2.png,p1,normal,train"], header), dataset, CLASSES)
    assert caught.value.reason == "dataset.patient-in-other-split"


# What is refused


def _leaky(tmp_path: Path) -> tuple[Path, Path]:
    images, _ = study(tmp_path, 1)
    ds = clean()
    ds.PatientName = SENTINEL
    (images / "im7.dcm").write_bytes(written(ds))
    (images / "Hannah Zebra.png").write_bytes(b"no image")
    rows = ["im0.png,p1,normal", "im7.dcm,p2,virus", "Hannah Zebra.png,p3,virus"]
    return images, table(tmp_path, rows)


def test_one_file_that_fails_the_check_keeps_all_out(tmp_path: Path, dataset: Dataset) -> None:
    images, labels = _leaky(tmp_path)
    with pytest.raises(FindingsError) as caught:
        ingest(images, labels, dataset, CLASSES)
    text = str(caught.value)
    assert caught.value.reason == "ingest.check-failed"
    assert "2 of 3 files did not pass the check (im7.dcm, file #1)" in text
    places = caught.value.places
    assert (places["ingest.check-failed"], places["unreadable"]) == (["im7.dcm", "file #1"], ["file #1"])
    assert all(f"{rule} in {len(names)}" in text for rule, names in places.items() if "ingest" not in rule)
    assert len(places) > 2
    assert "privxray check" in text
    assert "Zebra" not in text
    assert not dataset.entries()


def _rows(*rows: str, header: str = "image,patient,label") -> Callable[[Path], tuple[Path, Path]]:
    def make(tmp_path: Path) -> tuple[Path, Path]:
        images, _ = study(tmp_path, 3)
        (images / "copy.png").write_bytes((images / "im0.png").read_bytes())
        (images / "im8.png").write_bytes(_torn())
        (images / "x.dcm").write_bytes(written(dicom(ramp(), PatientID="", PatientName="")))
        (images / "y.dcm").write_bytes(written(dicom(ramp(), NumberOfFrames=3)))
        (images / "z1.dcm").write_bytes(written(dicom(ramp() + 1)))
        (images / "z2.dcm").write_bytes(written(dicom(ramp() + 2)))
        return images, table(tmp_path, rows, header)

    return make


def _torn() -> bytes:
    """Whole chunks, but a picture whose data ends early: the check has nothing against it."""
    stream = io.BytesIO()
    Image.fromarray(picture(7)).save(stream, "PNG")
    data = stream.getvalue()
    place = data.index(b"IDAT")
    body = b"IDAT" + zlib.compress(b"\0" * 30)
    chunk = struct.pack(">L", len(body) - 4) + body + struct.pack(">L", zlib.crc32(body))
    return data[: place - 4] + chunk + data[data.index(b"IEND") - 4 :]


REFUSED = {
    "same bytes, two patients": (
        _rows("im0.png,p1,normal", f"copy.png,{SENTINEL},normal"),
        "labels.bytes-of-two-patients",
        "labels.csv: rows 2 and 3 name files with the same bytes",
    ),
    "same bytes, two labels": (
        _rows("im0.png,p1,normal", "copy.png,p1,virus"),
        "labels.bytes-of-two-labels",
        "labels.csv: rows 2 and 3 name files with the same bytes",
    ),
    "torn": (_rows("im0.png,p1,normal", "im8.png,p2,virus"), "image.picture-damaged", "im8.png: "),
    "frames": (_rows("y.dcm,p1,normal"), "image.several-frames", "y.dcm: "),
    "no patient in the file": (_rows("x.dcm,normal", header="file,label"), "labels.no-patient", "x.dcm: "),
    "no patient in a png": (_rows("im1.png,normal", header="file,label"), "labels.no-patient", "im1.png: "),
    "one patient id, two splits": (
        _rows("z1.dcm,normal,train", "z2.dcm,normal,val", header="file,label,split"),
        "labels.patient-in-two-splits",
        "labels.csv: row 3, column `split`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_input_is_malformed_and_changes_nothing(tmp_path: Path, dataset: Dataset, kind: str) -> None:
    make, reason, beginning = REFUSED[kind]
    images, labels = make(tmp_path)
    with pytest.raises(MalformedError) as caught:
        ingest(images, labels, dataset, CLASSES)
    assert caught.value.reason == reason
    assert str(caught.value).startswith(beginning)
    assert "row" in str(caught.value)
    assert SENTINEL not in str(caught.value)
    assert not dataset.entries()


@pytest.mark.parametrize(
    ("row", "differs"), [(f"im0.png,{SENTINEL},normal", "patient"), ("im0.png,p1,virus", "label")]
)
def test_a_file_that_is_in_already_keeps_its_place(
    tmp_path: Path, dataset: Dataset, row: str, differs: str
) -> None:
    images, _ = study(tmp_path, 1)
    ingest(images, table(tmp_path, ["im0.png,p1,normal"]), dataset, CLASSES)
    with pytest.raises(RefusedError) as caught:
        ingest(images, table(tmp_path, [row]), dataset, CLASSES)
    assert caught.value.reason == f"dataset.other-{differs}"
    assert "(row 2" in str(caught.value)
    assert SENTINEL not in str(caught.value)


def test_a_file_that_can_not_be_read(
    tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
    from privxray.deid.sources.source_file import SourceFile

    def refuse(_: SourceFile) -> bytes:
        raise UnreadFileError("the operating system does not let it be read")

    images, labels = study(tmp_path, 1)
    monkeypatch.setattr(SourceFile, "read_whole", refuse)
    with pytest.raises(SystemTroubleError, match=r"im0\.png.*row 2 of labels\.csv") as caught:
        ingest(images, labels, dataset, CLASSES)
    assert caught.value.reason == "image.unread"


# Interruptions


class Crash(BaseException):
    """As Ctrl-C: not an Exception."""


class CrashingConnection(sqlite3.Connection):
    """Crashes at its n-th statement."""

    left = 10**9

    def execute(self, *args):  # type: ignore[no-untyped-def]
        type(self)._count(args[0])
        return super().execute(*args)

    def executemany(self, *args):  # type: ignore[no-untyped-def]
        type(self)._count(args[0])
        return super().executemany(*args)

    @classmethod
    def _count(cls, statement: str) -> None:
        if statement != "ROLLBACK" and not statement.startswith("SELECT"):
            cls.left -= 1
            if cls.left == 0:
                raise Crash


def test_a_crash_at_any_write_leaves_the_index_as_it_was_and_the_next_run_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, factory=CrashingConnection)

    monkeypatch.setattr(private_database, "connect", connect)
    monkeypatch.setattr(ingesting, "STAGE", 2)
    images, labels = study(tmp_path, 6)
    first = table(tmp_path / "images", ["im0.png,p1,normal"])
    reference = Dataset(tmp_path / "reference", SECRET)
    ingest(images, labels, reference, CLASSES, IngestOptions(replace=True))
    for write in range(1, 100):
        with Dataset(tmp_path / str(write), SECRET) as dataset:
            ingest(images, first, dataset, CLASSES)
            before = dataset.entries()
            CrashingConnection.left = write
            try:
                ingest(images, labels, dataset, CLASSES, IngestOptions(replace=True))
            except Crash:
                crashed = True
            else:
                crashed = False
            CrashingConnection.left = 10**9
        with Dataset(tmp_path / str(write), SECRET) as dataset:
            assert dataset.entries() == (before if crashed else reference.entries())
            ingest(images, labels, dataset, CLASSES, IngestOptions(replace=True))
            assert dataset.fingerprint() == reference.fingerprint()
        if not crashed:
            break
    assert write > 12


def test_an_interrupted_ingest_need_not_decode_again(
    tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "STAGE", 2)
    images, labels = study(tmp_path, 6)

    def stop(done: int, _: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(images, labels, dataset, CLASSES, progress=stop)
    assert not dataset.entries()
    decoded: list[str] = []

    def counting(data: bytes, *, name: str) -> np.ndarray:
        decoded.append(name)
        return decode(data, name=name)

    monkeypatch.setattr(ingesting, "decode", counting)
    ingest(images, labels, dataset, CLASSES)
    assert decoded == ["im4.png", "im5.png"]


# The file


def refusal(folder: Path, secret: bytes = SECRET) -> str:
    with pytest.raises(MalformedError) as caught:
        Dataset(folder, secret)
    return caught.value.reason


def test_another_secret_version_or_a_damaged_file(tmp_path: Path) -> None:
    Dataset(tmp_path / "data", SECRET).close()
    assert refusal(tmp_path / "data", b"x" * 32) == "dataset.other-workspace"
    with sqlite3.connect(tmp_path / "data/data.db") as db:
        db.execute("PRAGMA user_version = 7")
    assert refusal(tmp_path / "data") == "dataset.other-version"
    (tmp_path / "data/data.db").write_bytes(b"no database at all" * 300)
    assert refusal(tmp_path / "data") == "dataset.damaged"


def of_an_earlier_version(path: Path, contents: list[bytes]) -> None:
    """Make a data set one of format 101, which knew one decoder; some of its pixels are all black."""
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE old (content BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT")
        db.execute("INSERT INTO old SELECT content, data FROM pixels")
        for content in contents:
            db.execute("UPDATE old SET data = ? WHERE content = ?", (bytes(260 * 260), content))
        db.execute("DROP TABLE pixels")
        db.execute("DROP TABLE redecoded")
        db.execute("ALTER TABLE old RENAME TO pixels")
        db.execute("PRAGMA user_version = 101")


@pytest.fixture
def earlier(tmp_path: Path) -> tuple[Path, Path, list[bytes]]:
    """Four images in a data set of an earlier version, of which the first two were decoded otherwise."""
    images, labels = study(tmp_path, 4)
    with Dataset(tmp_path / "ws/data", SECRET) as dataset:
        ingest(images, labels, dataset, CLASSES)
        contents = [dataset.content_key((images / f"im{number}.png").read_bytes()) for number in range(4)]
        dataset.keep_features("x", {content: np.ones(3, np.float32) for content in contents})
    of_an_earlier_version(tmp_path / "ws/data/data.db", contents[:2])
    return images, labels, contents


def test_a_data_set_of_an_earlier_decoder_opens_with_its_pixels_and_features(
    tmp_path: Path, earlier: tuple[Path, Path, list[bytes]]
) -> None:
    _, _, contents = earlier
    for _ in range(2):  # once it is of this version's format, it opens as well
        with Dataset(tmp_path / "ws/data", SECRET) as dataset:
            assert len(dataset.entries()) == 4
            assert not dataset.pixels(contents[0]).any()
            assert dataset.has_features("x") == set(contents)
            assert not dataset.has_pixels(contents[0])  # of this decoder


def test_doctor_can_tell_how_many_images_are_of_an_earlier_decoder(
    tmp_path: Path, earlier: tuple[Path, Path, list[bytes]]
) -> None:
    images, labels, _ = earlier
    folder = tmp_path / "ws/data"
    before = (folder / "data.db").read_bytes()
    assert images_of_earlier_decoders(folder, DECODER) == 4
    assert (folder / "data.db").read_bytes() == before
    with Dataset(folder, SECRET) as dataset:
        assert images_of_earlier_decoders(folder, DECODER) == 4
        ingest(images, labels, dataset, CLASSES)
    assert images_of_earlier_decoders(folder, DECODER) == 0
    assert images_of_earlier_decoders(tmp_path / "nowhere", DECODER) == 0


def test_ingesting_the_same_files_decodes_them_anew_and_drops_the_features_of_changed_pixels(
    tmp_path: Path, earlier: tuple[Path, Path, list[bytes]]
) -> None:
    images, labels, contents = earlier
    with Dataset(tmp_path / "ws/data", SECRET) as dataset:
        before = dataset.fingerprint()
        assert ingest(images, labels, dataset, CLASSES).added == 0
        assert dataset.has_features("x") == set(contents[2:])
        for number, content in enumerate(contents):
            data = (images / f"im{number}.png").read_bytes()
            np.testing.assert_array_equal(dataset.pixels(content), decode(data, name="im"))
            assert dataset.has_pixels(content)
        assert dataset.fingerprint() != before


def test_old_pixels_stay_in_use_until_an_ingest_comes_to_its_end(
    tmp_path: Path, earlier: tuple[Path, Path, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels, contents = earlier
    monkeypatch.setattr(ingesting, "STAGE", 1)
    (images / "new.png").write_bytes(png(picture(99)))
    header, *rows = labels.read_text().splitlines()
    table(tmp_path, ["new.png,p9,virus", *rows], header)
    with Dataset(tmp_path / "ws/data", SECRET) as dataset:
        before = dataset.fingerprint()

        def cut(done: int, _: int) -> None:
            if done == 4:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            ingest(images, labels, dataset, CLASSES, progress=cut)
        assert not dataset.pixels(contents[0]).any()
        assert dataset.has_features("x") == set(contents)
        assert dataset.fingerprint() == before
        assert dataset.has_pixels(contents[0])  # it need not be decoded a third time
        decoded: list[str] = []
        monkeypatch.setattr(
            ingesting, "decode", lambda data, *, name: (decoded.append(name), decode(data, name=name))[1]
        )
        ingest(images, labels, dataset, CLASSES)
        assert decoded == ["im3.png"]
        assert dataset.pixels(contents[0]).any()


def test_no_data_set_has_images_of_two_decoders(
    tmp_path: Path, earlier: tuple[Path, Path, list[bytes]]
) -> None:
    images, _, contents = earlier
    (images / "new.png").write_bytes(png(picture(99)))
    rows = ["new.png,p9,virus", f"im0.png,{SENTINEL}0,normal"]
    with Dataset(tmp_path / "ws/data", SECRET) as dataset:
        entries = dataset.entries()
        with pytest.raises(RefusedError, match="decoded 3 images") as caught:
            ingest(images, table(tmp_path, rows), dataset, CLASSES)
        assert caught.value.reason == "dataset.two-decoders"
        assert dataset.entries() == entries
        assert not dataset.pixels(contents[0]).any()
        assert dataset.has_features("x") == set(contents)
        ingest(images, table(tmp_path, rows), dataset, CLASSES, IngestOptions(replace=True))
        assert len(dataset.entries()) == 2
        assert dataset.pixels(contents[0]).any()
        assert dataset.has_features("x") == set()


def test_what_a_damaged_data_set_advises_heals_it(tmp_path: Path, dataset: Dataset) -> None:
    images, labels = study(tmp_path, 2)
    ingest(images, labels, dataset, CLASSES)
    path = tmp_path / "ws/data/data.db"
    with closing(sqlite3.connect(path)) as db, db:  # an open file can't be deleted on Windows
        db.execute("UPDATE pixels SET data = x'00'")
    dataset.close()
    assert "Delete this file, then ingest" in str(dataset.damaged())
    path.unlink()
    with Dataset(tmp_path / "ws/data", SECRET) as anew:
        ingest(images, labels, anew, CLASSES)
        assert all(anew.pixels(entry.content).shape == (260, 260) for entry in anew.entries())


def test_lost_or_short_pixels_are_no_black_image(tmp_path: Path, dataset: Dataset) -> None:
    images, labels = study(tmp_path, 2)
    ingest(images, labels, dataset, CLASSES)
    content = dataset.entries()[0].content
    with sqlite3.connect(tmp_path / "ws/data/data.db") as db:
        db.execute("UPDATE pixels SET data = x'00' WHERE content = ?", (content,))
    with pytest.raises(MalformedError, match="damaged"):
        dataset.pixels(content)


# Features and pixels


def fake(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels.mean(axis=(1, 2), dtype=np.float32)[:, None], 1280, axis=1) + 1


def all_train(tmp_path: Path, count: int = 6) -> tuple[Path, Path]:
    images, labels = study(tmp_path, count)
    rows = [f"{row},train" for row in labels.read_text().splitlines()[1:]]
    return images, table(tmp_path, rows, "image,patient,label,split")


def source(extract: Callable[[np.ndarray], np.ndarray], **kind: bool) -> split_arrays.FeatureSource:
    return split_arrays.FeatureSource(POOLED, DIMS[POOLED], lambda: nullcontext(extract), **kind)


def test_features_belong_to_their_images_and_are_computed_once(
    tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split_arrays, "KEEP", 2)
    ingest(*all_train(tmp_path), dataset, CLASSES)
    calls: list[int] = []

    def counting(pixels: np.ndarray) -> np.ndarray:
        calls.append(len(pixels))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fake(pixels)

    with pytest.raises(KeyboardInterrupt):
        split_arrays.features_of_split(dataset, "train", CLASSES, source=source(counting))
    steps: list[tuple[int, int]] = []
    found = split_arrays.features_of_split(
        dataset,
        "train",
        CLASSES,
        source=source(counting),
        progress=lambda *step: steps.append(step),
    )
    assert calls == [2, 2, 2, 2]
    assert steps == [(4, 6), (6, 6)]
    entries = dataset.entries("train")
    expected = np.stack([fake(dataset.pixels(entry.content)[None])[0] for entry in entries])
    np.testing.assert_array_equal(found.inputs, expected)
    assert found.inputs.dtype == np.float32
    assert [CLASSES[label] for label in found.labels] == [entry.label for entry in entries]
    assert found.patients.tolist() == [0, 0, 1, 1, 2, 2]
    split_arrays.features_of_split(dataset, "train", CLASSES, source=source(counting))
    assert len(calls) == 4


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_impossible_features_are_never_kept(tmp_path: Path, dataset: Dataset, bad: float) -> None:
    ingest(*all_train(tmp_path, 3), dataset, CLASSES)

    def broken(pixels: np.ndarray) -> np.ndarray:
        rows = fake(pixels)
        rows[1] = bad
        return rows

    with pytest.raises(SystemTroubleError, match="impossible numbers"):
        split_arrays.features_of_split(dataset, "train", CLASSES, source=source(broken))
    assert not dataset.has_features(POOLED)


def test_damaged_features_are_noticed(tmp_path: Path, dataset: Dataset) -> None:
    ingest(*all_train(tmp_path, 3), dataset, CLASSES)
    split_arrays.features_of_split(dataset, "train", CLASSES, source=source(fake))
    with sqlite3.connect(tmp_path / "ws/data/data.db") as db:
        db.execute("UPDATE feature SET data = zeroblob(40)")
    with pytest.raises(MalformedError, match="damaged"):
        split_arrays.features_of_split(dataset, "train", CLASSES, source=source(fake))


def test_another_studys_classes(tmp_path: Path, dataset: Dataset) -> None:
    ingest(*all_train(tmp_path), dataset, CLASSES)
    with pytest.raises(WorkspaceError, match="other classes"):
        split_arrays.features_of_split(dataset, "train", ("normal", "covid"), source=source(fake))


def test_pixels_of_a_size(tmp_path: Path, dataset: Dataset) -> None:
    ingest(*all_train(tmp_path), dataset, CLASSES)
    found = split_arrays.pixels_of_split(dataset, "train", 64, CLASSES)
    assert found.inputs.shape == (6, 64, 64)
    assert found.inputs.dtype == np.uint8
    assert found.patients.tolist() == [0, 0, 1, 1, 2, 2]
    nothing = split_arrays.pixels_of_split(dataset, "test", 64, CLASSES)
    assert nothing.inputs.shape == (0, 64, 64)


def test_a_split_without_images_has_no_features(dataset: Dataset) -> None:
    found = split_arrays.features_of_split(dataset, "train", CLASSES, source=source(fake))
    assert found.inputs.shape == (0, 1280)
    assert found.labels.dtype == found.patients.dtype == np.int64


def test_jpegs_come_in_as_well(tmp_path: Path, dataset: Dataset) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / "a.jpeg").write_bytes(jpeg(picture(1)))
    assert ingest(images, table(tmp_path, ["a.jpeg,p1,virus"]), dataset, CLASSES).added == 1


def test_a_page_that_is_damaged_later_is_told_as_damage(tmp_path: Path, dataset: Dataset) -> None:
    ingest(*all_train(tmp_path), dataset, CLASSES)
    dataset.close()
    path = tmp_path / "ws/data/data.db"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)  # the header's page stays
    path.write_bytes(data)
    with pytest.raises(MalformedError, match="damaged"):
        Dataset(tmp_path / "ws/data", SECRET).entries()
