"""No value of a file is ever in what the check says, prints, logs or raises."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
import typer
from deid_samples import chunk, clean, element, encode, jpeg, png, segment, sequence

from privxray.cli.commands.check_command import check
from privxray.deid.judging.check import check_bytes, check_paths
from privxray.errors import FindingsError

SENTINEL = "QZXSENTINEL"
LISTED = "AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SS ST SV TM UC UI UL UN UR US UT UV"
CODES = LISTED.split()
# one listed, one kept, one private, one unknown attribute; the value under every value representation
TAGS = [0x00080080, 0x00100010, 0x00080060, 0x00091010, 0x00280FFE, 0x00020016, 0x00104000, 0x00080018]


def soiled(depth: int, vr: str) -> bytes:
    value = f"{SENTINEL}^{vr}^19520130".encode()
    body = b"".join(element(tag, vr, value) for tag in TAGS)
    for _ in range(depth):
        body = sequence(0x0040A730, [b"", body])
    return body


def run(paths: list[Path], *options: str) -> Exception | None:
    app = typer.Typer()
    app.command()(check)
    app.command("other")(lambda: None)
    try:
        app(["check", *map(str, paths), *options], standalone_mode=False)
    except FindingsError as error:
        return error
    return None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("vr", CODES)
def test_no_value_in_any_output(
    vr: str, depth: int, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    data = encode(clean()) + soiled(depth, vr)
    data = data[:40] + SENTINEL.encode() + data[40 + len(SENTINEL) :]  # the preamble, too
    path = tmp_path / f"{SENTINEL}.dcm"
    path.write_bytes(data)

    report = check_paths([tmp_path])
    assert report.files[0].verdict == "fail"
    assert len(report.files[0].findings) > len(TAGS)
    said = json.dumps(report.to_json())
    error = run([tmp_path])
    said += str(error) + repr(error)
    if depth in (0, 4):
        run([tmp_path], "--json")
    out, err = capfd.readouterr()
    said += out + err + caplog.text
    assert "(0008,0080)" in said
    assert SENTINEL.lower() not in said.lower()
    assert "19520130" not in said
    assert str(tmp_path) not in said


def test_no_value_of_a_damaged_file() -> None:
    data = encode(clean()) + soiled(2, "LO")
    start = data.index(SENTINEL.encode())
    for cut in range(start - 40, len(data)):
        report = check_bytes(data[:cut], name="x", path=Path("x"))
        assert report.verdict in ("fail", "error")
        assert SENTINEL not in repr(report)


def test_no_value_of_a_picture() -> None:
    body = SENTINEL.encode()
    picture = jpeg()
    for marker in [*range(0xE0, 0xF0), 0xFE]:
        soiled_picture = picture[:2] + segment(marker, body) + picture[2:] + body
        report = check_bytes(soiled_picture, name="x", path=Path("x"))
        assert report.verdict == "fail"
        assert SENTINEL not in repr(report)
    other = png()
    for kind in (b"tEXt", b"eXIf", b"QzXs"):
        report = check_bytes(other[:33] + chunk(kind, body) + other[33:], name="x", path=Path("x"))
        assert report.verdict == "fail"
        assert not re.search("QzXs|SENTINEL", repr(report))
