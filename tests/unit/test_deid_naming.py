"""What a file may be called in public."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from privxray.naming.public_names import lone_name, public_name, public_names

PRINTED = """
img_001.dcm
series-2/image 17.dcm
case0042.dcm
person1301_virus_2241.jpeg
IM-0429-0001-0001.jpeg
PT000000/ST000000/SE000001/IM00001D
DICOMDIR
CT_small.dcm
chest/lateral/XRAY_01 (2).PNG
1.2.840.113619.2.55.3.20240131.1.dcm
CR.1.2.276.0.7230010.3.1.4.8323329.dcm
2.25.113059749145936325402354257176981405696
9e107d9d372bb6826bd81d3542a419d6.png
3f2504e0-4f89-11d3-9a0c-0305e82c3301.dcm
clean/private_nested.dcm
explicit_big_endian.dcm
burned-in/leak.dcm
px20001-1.dcm
px20011-12.dcm
20001-1.dcm
""".strip().splitlines()

HIDDEN = """
Smith_John.dcm
smith.dcm
doe^john.dcm
doe,john.dcm
patients/Meier/img.dcm
study/Grace/1.dcm
rose_hill.dcm
li_wu.dcm
tom lee.dcm
Müller.dcm
12345678.dcm
img_123456.dcm
MRN0123456.dcm
19520130.dcm
1952-01-30.dcm
1952_1_30.dcm
1952-1-3.dcm
x1952 0130.dcm
195201-30.dcm
30.01.1952.dcm
30_01_52.dcm
12_jan_52.dcm
123-45-6789.dcm
0171-234-5678.dcm
10.0.0.1.2.345678.dcm
9e107d9d372bb6826bd81d3542a419d6a.smith
john.1.2.840.113619.2.55
../image.dcm
/image.dcm
image\x1b[31m.dcm
image\n.dcm
""".strip("\n").split("\n")


@pytest.mark.parametrize("path", PRINTED)
def test_printed(path: str) -> None:
    assert public_name(PurePath(path), 7) == path


@pytest.mark.parametrize("path", [*HIDDEN[:-2], "image\n.dcm", "", "."])
def test_hidden(path: str) -> None:
    assert public_name(PurePath(path), 7) == "file #7"


@pytest.mark.parametrize(
    ("path", "values", "printed"),
    [
        ("grid/chest.dcm", ["Chest"], False),
        ("grid/chest.dcm", ["CHEST^GRID"], True),
        ("case_00_42.dcm", ["case-0042"], False),
        ("case0042.dcm", ["00 42"], False),
        ("case0042.dcm", ["42"], True),  # two characters would be found everywhere
        ("case0042.dcm", ["", "  ", "9999"], True),
        ("1.2.840.5551234.dcm", ["5551234"], False),
        ("9e107d9d372bb6826bd81d3542a419d6.png", ["372bb"], False),
    ],
)
def test_values_of_the_same_file(path: str, values: list[str], printed: bool) -> None:
    assert (public_name(PurePath(path), 3, values) == path) is printed


def test_names_that_were_typed() -> None:
    paths = [Path("/home/smith/img1.dcm"), Path("/other/img1.dcm"), Path("doe/john.dcm"), Path("img2.dcm")]
    assert public_names(paths) == ["img1.dcm", "file #2", "file #3", "img2.dcm"]


def test_privxray_s_own_files_are_named_whatever_their_digest_spells() -> None:
    for name in ("office-d3abfef0.offer", "office-20230514.offer", "office-deadbeef.answer"):
        assert lone_name(PurePath(name)) == name
    for name in ("office-d3abfef0.dcm", "Zwiebel-d3abfef0.offer", "office-d3abfef01.offer"):
        assert lone_name(PurePath(name)) != name
