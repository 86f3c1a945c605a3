"""A set of radiographs with made-up identities put into them at random, and what has to become of each.

Everything follows from a seed. Places: every value representation, depth 0 to 4, private blocks, the pixels.
What has to become of them is told in the ten actions by which the MIDI-B challenge scores de-identification.
"""

from __future__ import annotations

import io
import random
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import pydicom
from PIL import Image, ImageDraw, ImageFont
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from privxray.deid.profile.annex_e import lookup

ACTIONS = (
    "tag_retained",
    "text_notnull",
    "text_retained",
    "text_removed",
    "date_shifted",
    "uid_changed",
    "uid_consistent",
    "patid_consistent",
    "pixels_hidden",
    "pixels_retained",
)

FAMILY = (
    "Abernathy", "Brzezinski", "Castellanos", "Dombrowski", "Eberhardt", "Fitzwilliam", "Gutierrez",
)  # fmt: skip
GIVEN = (
    "Annelise", "Bartholomew", "Clementine", "Dragomir", "Evangeline", "Ferdinand", "Guinevere", "Hjalmar",
)  # fmt: skip
TEXTS = ("LO", "SH", "ST", "LT", "UT", "UC", "PN", "AE", "CS", "UR")
NUMBERS = {
    "US": 7, "SS": -7, "UL": 70_000, "SL": -70_000, "FL": 1.5, "FD": 2.5, "SV": -7, "UV": 7,
    "DS": "1.25", "IS": "12", "AT": 0x00080018, "OB": b"\1\2", "OW": b"\1\2", "OF": b"\0" * 4,
    "OD": b"\0" * 8, "OL": b"\0" * 4, "OV": b"\0" * 8,
}  # fmt: skip
_LEFT_ALONE = {0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00120062, 0x00120063, 0x00120064}
_GROUPS = {0x0028, 0x7FE0, 0x0004, 0x0042, 0xFFFA, 0xFFFC, 0x0400, 0x4FFE}

KEPT = {
    "Modality": "CR",
    "BodyPartExamined": "CHEST",
    "ViewPosition": "PA",
    "KVP": "85",
    "Manufacturer": "ACME",
    "PatientOrientation": ["L", "F"],
    "ImageType": ["ORIGINAL", "PRIMARY"],
    "StudyDescription": "CHEST PA AND LATERAL",
    "SeriesDescription": "CHEST LATERAL",
    "PatientSex": "F",
    "PatientSize": "1.12",
}
"""What must still be there, under the options of :data:`OPTIONS`."""

OPTIONS = ("retain_longitudinal_modified_dates", "retain_patient_characteristics", "clean_descriptors")


@dataclass
class Person:
    """A made-up patient."""

    name: str
    id: str
    born: str
    address: str
    phone: str
    studies: dict[str, str] = field(default_factory=dict)


@dataclass
class Injected:
    """One file.

    :ivar phrases: texts that must be nowhere in the result. :ivar dates: original dates by keyword.
    :ivar uids: original UIDs by keyword. :ivar text_box: left, top, right and bottom of burned-in text.
    :ivar places: how many elements were put in.
    """

    data: bytes
    person: Person
    phrases: list[str] = field(default_factory=list)
    dates: dict[str, str] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)
    text_box: tuple[int, int, int, int] | None = None
    pixels: Any = None
    places: int = 0


def people(rng: random.Random, count: int) -> list[Person]:
    """Made-up patients, none like another."""
    made = []
    for number in range(count):
        family, given = rng.choice(FAMILY), rng.choice(GIVEN)
        made.append(
            Person(
                f"{family}{number}^{given}",
                f"MRN{rng.randrange(10**6, 10**7)}",
                (date(1925, 1, 1) + timedelta(rng.randrange(30_000))).strftime("%Y%m%d"),
                f"{rng.randrange(10, 999)} Larkspur Street, Quillmark",
                f"0{rng.randrange(100, 999)} {rng.randrange(1000, 9999)} {rng.randrange(100, 999)}",
            )
        )
    return made


def injected_set(seed: int, files: int, *, patients: int = 4, burned_in: bool = False) -> Iterator[Injected]:
    """A set of files; two studies a patient, several files a study."""
    rng = random.Random(seed)
    persons = people(rng, patients)
    for number in range(files):
        yield one(rng, persons[number % patients], number, burned_in=burned_in)


def one(rng: random.Random, person: Person, number: int, *, burned_in: bool = False) -> Injected:
    """One file of a patient."""
    ds = _radiograph(rng, person, number)
    file = Injected(b"", person)
    file.phrases += [*person.name.split("^"), person.id, person.born, person.address, person.phone]
    file.phrases += [ds.AccessionNumber, str(ds.ReferringPhysicianName).split("^")[0]]
    file.dates = {key: str(ds[key].value) for key in ("StudyDate", "SeriesDate", "AcquisitionDate")}
    file.uids = {
        key: str(ds[key].value)
        for key in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name is no URI, and so on
        for vr in (*TEXTS, *NUMBERS, "DA", "DT", "TM", "UI"):
            for _ in range(2):
                where = _nested(rng, ds, rng.randrange(5))
                file.phrases += _inject(rng, where, vr, person, ds)
                file.places += 1
    for depth in range(5):
        file.phrases += _inject_private(rng, _nested(rng, ds, depth), person)
        file.places += 4
    if burned_in:
        file.text_box = _burn(rng, ds, f"{person.name.split('^')[0].upper()} {person.id}")
    file.pixels = ds.pixel_array.copy()
    syntax = rng.choice([ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.preamble = rng.randbytes(128)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(stream, ds, enforce_file_format=True)
    file.data = stream.getvalue()
    return file


def _radiograph(rng: random.Random, person: Person, number: int) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1")
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.SourceApplicationEntityTitle = "XRAY_ROOM_3"
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    ds.SOPInstanceUID = _uid(rng)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    study = f"s{number // 8 % 2}"
    ds.StudyInstanceUID = person.studies.setdefault(study, _uid(rng))
    ds.SeriesInstanceUID = person.studies.setdefault(study + "series", _uid(rng))
    ds.FrameOfReferenceUID = person.studies.setdefault(study + "frame", _uid(rng))
    day = person.studies.setdefault(study + "day", f"20{rng.randrange(10, 24)}{rng.randrange(1, 12):02d}15")
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = day
    ds.StudyTime = "101500"
    ds.AccessionNumber = f"ACC{rng.randrange(10**6, 10**7)}"
    ds.ReferringPhysicianName = f"{rng.choice(FAMILY)}{number}x^Referring"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = person.name, person.id, person.born
    ds.PatientAddress, ds.PatientTelephoneNumbers = person.address, person.phone
    ds.InstitutionName = "St Elsewhere Memorial"
    ds.StudyID = str(rng.randrange(10**5, 10**6))
    ds.SeriesNumber, ds.InstanceNumber = 1, number
    for keyword, value in KEPT.items():
        setattr(ds, keyword, value)
    ds.Rows, ds.Columns = 128, 512
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, rng.choice(["MONOCHROME1", "MONOCHROME2"])
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    noise = np.random.default_rng(rng.randrange(2**32)).normal(0, 8, (128, 512))
    shade = (
        900 + 300 * np.sin(np.linspace(0, 3, 512))[None, :] + 200 * np.cos(np.linspace(0, 2, 128))[:, None]
    )
    ds.PixelData = np.clip(shade + noise, 0, 4095).astype("<u2").tobytes()
    return ds


def _uid(rng: random.Random) -> UID:
    return UID(generate_uid("1.2.276.0.7230010.3.", [str(rng.getrandbits(128))]))


@cache
def _tags() -> dict[str, list[int]]:
    """Attributes of each value representation that may be put anywhere."""
    found: dict[str, list[int]] = {}
    for tag, (vr, _, _, retired, _) in DicomDictionary.items():
        if tag >> 16 not in _GROUPS and tag >> 16 > 8 and tag not in _LEFT_ALONE and not retired:
            found.setdefault(vr, []).append(tag)
    found["keeping SQ"] = [tag for tag in found["SQ"] if lookup(tag) is None]
    return found


def _nested(rng: random.Random, ds: Dataset, depth: int) -> Dataset:
    """A new item ``depth`` sequences down, in sequences that the profile keeps."""
    for _ in range(depth):
        tag = Tag(rng.choice(_tags()["keeping SQ"]))
        if tag not in ds:
            ds.add_new(tag, "SQ", [])
        ds[tag].value.append(Dataset())
        ds = ds[tag].value[-1]
    return ds


def _inject(rng: random.Random, ds: Dataset, vr: str, person: Person, top: Dataset) -> list[str]:
    """Put one element of a value representation into a data set; the texts that must go."""
    free = [tag for tag in _tags().get(vr, []) if Tag(tag) not in ds]
    if not free:
        return []
    tag = Tag(rng.choice(free))
    own = rng.choice(_spellings(person))
    if vr in TEXTS:
        limit = 16 if vr in ("AE", "SH", "CS") else 64
        text = (own if len(own) <= limit else person.id)[:limit]
        if vr == "CS":
            text = person.id.upper()
        if vr in ("ST", "LT", "UT") and rng.random() < 0.5:
            text = f"Seen with {own}, call {person.phone}"
        ds.add_new(tag, vr, text)
        return [text]
    if vr in ("DA", "DT", "TM"):
        ds.add_new(tag, vr, {"DA": person.born, "DT": person.born + "120000", "TM": "120000"}[vr])
        return [person.born] if vr != "TM" else []
    if vr == "UI":
        ds.add_new(tag, vr, str(top.SOPInstanceUID))
        return [str(top.SOPInstanceUID)]
    ds.add_new(tag, vr, NUMBERS[vr])
    return []


def _spellings(person: Person) -> list[str]:
    """A patient's values as people type them."""
    family, given = person.name.split("^")
    born = person.born
    return [
        person.name,
        person.name.upper(),
        f"{family}, {given}",
        f"{given} {family.lower()}",
        person.id,
        person.id.lower(),
        born,
        f"{born[:4]}-{born[4:6]}-{born[6:]}",
        f"{born[6:]}.{born[4:6]}.{born[:4]}",
    ]


def _inject_private(rng: random.Random, ds: Dataset, person: Person) -> list[str]:
    group = rng.choice([0x0009, 0x0011, 0x0029, 0x7001])
    creator = f"ACME {rng.randrange(1000)}"
    block = ds.private_block(group, creator, create=True)
    block.add_new(0x01, "LO", person.name)
    block.add_new(0x02, "UN", person.id.encode() + b" " * (len(person.id) % 2))
    item = Dataset()
    item.PatientName = person.name
    block.add_new(0x03, "SQ", [item])
    return [creator]


def _burn(rng: random.Random, ds: Dataset, text: str) -> tuple[int, int, int, int]:
    """Write a text into the pixels; where it lies: left, top, right, bottom."""
    font = ImageFont.load_default(rng.choice([18, 24, 32]))
    canvas = Image.new("L", (ds.Columns, ds.Rows))
    left, top = rng.randrange(8, 40), rng.randrange(8, 60)
    ImageDraw.Draw(canvas).text((left, top), text, 255, font=font)
    mask = np.asarray(canvas) > 127
    pixels = np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns).copy()
    pixels[mask] = 4095 if ds.PhotometricInterpretation == "MONOCHROME2" else 0
    ds.PixelData = pixels.tobytes()
    rows, columns = np.nonzero(mask)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
