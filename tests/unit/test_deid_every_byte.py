"""Values in bytes of every kind and length; and copies in which the check finds nothing of any original."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deid_samples import clean, element, encode
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian
from test_deid_deidentify import BASIC, KEY, SENTINEL, done, identified, read, settings_of

from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.verify_copy import NotCleanError, verified
from privxray.deid.dicomfile.part10 import read_part10
from privxray.deid.dicomfile.untrusted_bytes import forget
from privxray.deid.judging.check import check_paths
from privxray.deid.judging.leak_findings import wanted_in_dicom
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.wanted import Wanted, of_others
from privxray.deid.profile.profile import ProfileOption
from privxray.deid.values.long_words import swapped

PLACES = {
    "waveform": (0x54001010, "OW"),
    "look-up data": (0x00283006, "OW"),
    "selector OB": (0x00720067, "OW"),
    "selector OW": (0x00720069, "OW"),
    "selector OL": (0x00720075, "OL"),
    "selector OV": (0x00720081, "OV"),
    "selector OD": (0x00720073, "OD"),
    "selector OF": (0x00720065, "OB"),
    "blending": (0x00143070, "OW"),
    "numbers": (0x00189074, "FD"),
}
MIB = 1 << 20


def hidden(value: bytes, size: int) -> bytes:
    """Numbers of a slow wave with a value among them, across the end of the first MiB where there is one."""
    wave = (1000 * np.sin(np.arange(size // 2) / 50)).astype("<i2").tobytes()
    at = (min(size, MIB) - len(value) // 2) // 8 * 8
    return (wave[:at] + value + wave[at:])[: size // 8 * 8]


def longer(tag: int, vr: str, value: bytes) -> bytes:
    """An identified file without pixels, which would come last, and with one element more."""
    ds = identified()
    del ds.PixelData
    return encode(ds) + element(tag, vr, value)


@pytest.mark.parametrize("size", [4096, 3 * MIB // 2])
@pytest.mark.parametrize("place", PLACES)
def test_deidentify_searches_bytes_of_every_kind_and_length(place: str, size: int) -> None:
    tag, vr = PLACES[place]
    name = f" {SENTINEL}^Anna ".encode()
    forms = [name, name.decode().encode("utf-16-le")]
    width = {"OW": 2, "OL": 4, "OV": 8, "OD": 8}.get(vr)
    if width:
        forms.append(swapped(name.ljust(24), width))
    for form in forms:
        if vr == "FD" and size > 60_000:
            continue  # a short length can't say it
        copy = deidentify(longer(tag, vr, hidden(form, size)), settings_of())
        assert b"ACME" in copy.data
        assert SENTINEL.encode() not in copy.data
        assert form.strip() not in copy.data


def test_bytes_without_a_value_stay_as_they_are() -> None:
    wave = hidden(b"", MIB + 4096)
    copy = deidentify(longer(0x54001010, "OW", wave), settings_of())
    assert read(copy)[0x54001010].value == wave


@pytest.mark.parametrize(
    "form", [SENTINEL.encode(), SENTINEL.encode("utf-16-be"), swapped(SENTINEL.encode(), 2)]
)
def test_no_copy_is_made_whose_pixels_spell_the_patients_name(form: bytes) -> None:
    ds = identified()
    ds.Rows = ds.Columns = 64
    pixels = bytearray(np.random.default_rng(1).integers(0, 256, 4096, np.uint8).tobytes())
    ds.PixelData = bytes(pixels)
    assert read(done(ds)).PixelData == bytes(pixels)
    pixels[1000 : 1000 + len(form)] = form
    ds.PixelData = bytes(pixels)
    with pytest.raises(NotCleanError, match=r"\(7FE0,0010\): binary data that repeats a value"):
        done(ds)


def test_a_short_name_in_pixels_is_chance() -> None:
    ds = identified()
    ds.PatientName, ds.PixelData = "Rose^Anna", b"Rose^Ann" * 8
    assert read(done(ds)).PixelData == b"Rose^Ann" * 8


def test_what_cleaning_left_is_repaired_or_keeps_the_copy_from_being_made() -> None:
    wanted = Wanted(LeakSearch([("name", f"{SENTINEL}^Anna")]))
    ds = clean()
    ds.FilterType = f"for {SENTINEL}"
    data = verified(read_part10(encode(ds)), BASIC, wanted)
    assert SENTINEL.lower().encode() not in data.lower()
    ds.Rows, ds[0x00280010].VR = SENTINEL.encode(), "UN"
    needed = read_part10(encode(ds) + element(0x00283010, "LO", SENTINEL.encode()))
    with pytest.raises(NotCleanError, match=r"\(0028,"):
        verified(needed, BASIC, wanted)


def of_set(*values: tuple[str, str]) -> CopySettings:
    others = of_others(LeakSearch(values))  # type: ignore[arg-type]
    return CopySettings(BASIC, Pseudonyms(KEY), others=others)


def test_values_of_the_other_patients_are_in_no_copy() -> None:
    ds = identified()
    ds.FilterType = "Quellwasser 7"
    ds.FilterMaterial = "MRN55512345"
    ds.SoftwareVersions = "r 1953-04-07 12345"  # where a date is no error by itself
    ds.ExposureTime = "12345"
    values = (("name", "Quellwasser^Ute"), ("id", "MRN55512345"), ("id", "12345"), ("date", "19530407"))
    copy = read(deidentify(encode(ds), of_set(*values)))
    assert copy.FilterType == copy.FilterMaterial == "ANONYMIZED"
    # A short number or a birth date of one of thousands is in any file by chance.
    assert (copy.SoftwareVersions, copy.ExposureTime) == ("r 1953-04-07 12345", 12345)


def test_dates_are_the_profiles_matter() -> None:
    ds = identified()
    ds.StudyDate = ds.PatientBirthDate  # a newborn
    copy = read(done(ds, ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES))
    assert (copy.StudyDate, copy.PatientBirthDate) == ("20150302", "")


@pytest.mark.parametrize("name", ["Annex^Option", "Confidentiality^Basic", "Privxray^Dicom"])
def test_a_patient_called_like_a_word_that_deidentify_writes(name: str) -> None:
    ds = identified()
    ds.PatientName = name
    assert read(done(ds)).DeidentificationMethod.startswith("privxray")


def test_a_set_with_every_kind_of_leak_has_copies_that_pass_with_the_originals_known(tmp_path: Path) -> None:
    def leaking(number: int, change: Callable[[Dataset], None]) -> Dataset:
        ds = identified()
        ds.PatientName, ds.PatientID = f"{'ABCDEFGH'[number]}rtelbach^Uwe", f"MRN765432{number}"
        change(ds)
        return ds

    def say(text: str) -> Callable[[Dataset], None]:
        return lambda ds: setattr(ds, "FilterType", text)

    originals = [
        leaking(0, say("Brtelbach")),
        leaking(1, say("mrn7654320")),
        leaking(2, lambda ds: ds.add_new(0x54001010, "OW", b"  Artelbach^Uwe ")),
        leaking(3, lambda ds: ds.add_new(0x00720067, "OF", b"  MRN7654323 ".ljust(16))),
    ]
    leaks = LeakSearch()
    for number in range(len(originals)):
        leaks.add("name", f"{'ABCDEFGH'[number]}rtelbach^Uwe")
        leaks.add("id", f"MRN765432{number}")
    settings = CopySettings(BASIC, Pseudonyms(KEY), others=of_others(leaks))
    for syntax in ("1.2.840.10008.1.2.1", ExplicitVRBigEndian):
        for number, ds in enumerate(originals):
            copy = deidentify(encode(ds, syntax), settings).data
            own = LeakSearch([("name", str(ds.PatientName)), ("id", ds.PatientID)])
            found = list(wanted_in_dicom(Wanted(own, of_others(leaks)), copy))
            assert [leak.where for leak in found] == [], number


class Watched(bytes):
    """Bytes that note how many of them were asked for at once."""

    most = 0

    def __getitem__(self, what: Any) -> Any:
        got = super().__getitem__(what)
        Watched.most = max(Watched.most, len(got) if isinstance(what, slice) else 1)
        return got


def test_a_long_element_is_searched_piece_by_piece() -> None:
    data = Watched(bytes(7 * MIB) + SENTINEL.encode())
    wanted = Wanted(LeakSearch([("name", f"{SENTINEL}^Anna")]))
    assert not wanted.in_binary("OB", data, 0, 7 * MIB)
    assert wanted.in_binary("OB", data, 0, len(data))
    assert wanted.in_pixels(data, 0, len(data))
    assert Watched.most < 3 * MIB


def test_a_mapped_file_is_forgotten_and_can_still_be_read(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(bytes(MIB) + b"end")
    with (
        (tmp_path / "long").open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        forget(data, 5, MIB * 2)
        forget(data, MIB, MIB + 3)
        assert data[MIB:] == b"end"
    forget(b"in memory", 0, 9)


def test_a_large_file_is_checked_by_a_worker_however_few_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privxray.deid.judging.set_passes.LARGE", 4000)
    monkeypatch.setattr("privxray.deid.judging.set_passes.scan_file", None)
    (tmp_path / "large.dcm").write_bytes(longer(0x54001010, "OW", bytes(4096)))
    (file,) = check_paths([tmp_path], profile=BASIC).files
    assert file.verdict == "fail"
