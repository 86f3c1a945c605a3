"""What values look like: shapes that give a person away, and those that must not be taken for one."""

from __future__ import annotations

import time

import pytest

from privxray.deid.values.shapes import is_address, is_name, shape_of

NAMES = """
Doe^John|DOE^JOHN^^DR|Doe, John|Müller, Jörg|Müller^Jörg|van der Berg^Jan|seen by Dr. Roe|Prof. med. Brown
""".strip().split("|")
ADDRESSES = """
12 Elm Street|221b, Baker St|Hauptstraße 12|Lange Str. 5|rue de la Paix 12|12, rue Daru|via Roma 12|
10115 Berlin|
90210-1234 Beverly|SW1A 1AA|jane.roe@example.org|+49 30 1234567|030 1234567|
(555) 123-4567|555 123-4567|123-45-6789
""".replace("\n", "").split("|")
DATES = ["19520130", "1952-01-30", "30.01.1952", "01/30/1952", "30 Jan 1952", "born 3-mar-52"]
FREE = ["her knee hurts", "fell from a ladder"]
NOTHING = """
|CHEST|CHEST PA|SonoSite, Inc.|Acme, LTD|Abdomen, CT|SN-4711|OMNIPAQUE 300|5.12345678|1.2.840.10008.1.2|
T1_SE_TRA|0.5\\0.5|20.5 mGy|SIEMENS|a^2|HFS|2 mm|Rev 1.0|120 kVp|3D FSPGR|ORIGINAL\\PRIMARY
""".replace("\n", "").split("|")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, "name") for text in NAMES),
        *((text, "address") for text in ADDRESSES),
        *((text, "date") for text in DATES),
        *((text, "free text") for text in FREE),
        *((text, None) for text in NOTHING),
    ],
)
def test_shapes(text: str, expected: str | None) -> None:
    assert shape_of(text) == expected


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "a ",
        "1 a ",
        "a^",
        "a,",
        "+49 ",
        "0 ",
        "a@",
        "a@a.",
        "12 rue ",
        "rue a ",
        "Dr ",
        "straß",
        "1",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    start = time.process_time()
    text = piece * (30_000 // len(piece))
    is_name(text)
    is_address(text)
    shape_of(text)
    assert time.process_time() - start < 5
