"""An .xlsx of labels: what spreadsheets write is read, and what could be a bomb is refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from imaging_samples import CLASSES, picture, png

from privxray.errors import MalformedError
from privxray.imaging.labelling import spreadsheet
from privxray.imaging.labelling.spreadsheet import NoSpreadsheetError, first_sheet
from privxray.imaging.labels import read_labels

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORKBOOK = (
    f'<workbook {MAIN} xmlns:r="{REL}"><sheets><sheet name="L" sheetId="1" r:id="rId7"/></sheets></workbook>'
)
RELATIONS = (
    '<Relationships xmlns="x"><Relationship Id="rId7" Target="worksheets/sheet3.xml"/></Relationships>'
)
STRINGS = (
    f"<sst {MAIN}><si><t>file</t></si><si><t>label</t></si><si><r><t>Nor</t></r><r><t>mal</t></r>"
    "<rPh><t>no</t></rPh></si></sst>"
)
SHEET = (
    f'<worksheet {MAIN}><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c>'
    '<c r="B1" t="inlineStr"><is><t>patient</t></is></c><c r="C1" t="s"><v>1</v></c></row><row r="2"/>'
    '<row r="3"><c r="A3" t="str"><f>A1</f><v>a.png</v></c><c r="B3"><v>7</v></c>'
    '<c r="C3" t="s"><v>2</v></c></row>'
    '<row r="4"><c r="A4" t="str"><v>b</v></c><c r="B4"><v>1.2345E7</v></c></row></sheetData></worksheet>'
)


def xlsx(**changes: str) -> bytes:
    parts = {"workbook": WORKBOOK, "relations": RELATIONS, "strings": STRINGS, "sheet": SHEET, **changes}
    names = {
        "workbook": "xl/workbook.xml",
        "relations": "xl/_rels/workbook.xml.rels",
        "strings": "xl/sharedStrings.xml",
        "sheet": "xl/worksheets/sheet3.xml",
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for part, name in names.items():
            if parts[part]:
                file.writestr(name, parts[part])
    return stream.getvalue()


def test_cells_of_every_kind() -> None:
    assert first_sheet(xlsx()) == [
        (1, ["file", "patient", "label"]),
        (3, ["a.png", "7", "Normal"]),
        (4, ["b", "12345000", ""]),
    ]


def test_columns_after_z() -> None:
    far = f'<worksheet {MAIN}><sheetData><row r="1"><c r="AB1"><v>1</v></c></row></sheetData></worksheet>'
    assert first_sheet(xlsx(sheet=far, strings="")) == [(1, [""] * 27 + ["1"])]


@pytest.mark.parametrize(
    "changes",
    [
        {"sheet": ""},
        {"workbook": f"<workbook {MAIN}/>"},
        {"relations": '<Relationships xmlns="x"/>'},
        {"strings": f"<sst {MAIN}/>"},
        {"sheet": SHEET[:-20]},
        {"sheet": SHEET.replace('r="A3"', 'r="3A"')},
        {"sheet": '<!DOCTYPE x [<!ENTITY a "b">]>' + SHEET},
    ],
)
def test_what_is_none_or_damaged(changes: dict[str, str]) -> None:
    with pytest.raises(NoSpreadsheetError):
        first_sheet(xlsx(**changes))


def test_what_unfolds_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_PART", len(SHEET) - 1)
    with pytest.raises(NoSpreadsheetError):
        first_sheet(xlsx())


def test_labels_come_from_a_spreadsheet_with_its_row_numbers(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png(picture(1)))
    path = tmp_path / "labels.xlsx"
    path.write_bytes(xlsx())
    with pytest.raises(MalformedError) as caught:
        read_labels(path, tmp_path, CLASSES)
    assert caught.value.places == {"labels.empty-cell": ("row 4",)}
    filled = SHEET.replace("<v>1.2345E7</v></c>", '<v>8</v></c><c r="C4" t="str"><v>virus</v></c>')
    path.write_bytes(xlsx(sheet=filled))
    rows = read_labels(path, tmp_path, CLASSES)
    assert [(row.number, str(row.relative), row.label) for row in rows] == [
        (3, "a.png", "normal"),
        (4, "b.png", "virus"),
    ]
    assert [row.patient.reveal() for row in rows if row.patient] == ["7", "8"]


def test_blank_rows_above_the_header_don_t_matter(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(picture(1)))
    path = tmp_path / "labels.xlsx"
    lower = SHEET.replace('r="1"', 'r="2"').replace("A1", "A2").replace("B1", "B2").replace("C1", "C2")
    path.write_bytes(xlsx(sheet=lower.split('<row r="4">')[0] + "</sheetData></worksheet>"))
    (row,) = read_labels(path, tmp_path, CLASSES)
    assert (row.number, row.label) == (3, "normal")


def test_a_damaged_one_is_refused_with_the_next_step(tmp_path: Path) -> None:
    path = tmp_path / "labels.xlsx"
    path.write_bytes(xlsx(sheet=""))
    with pytest.raises(MalformedError, match="CSV UTF-8") as caught:
        read_labels(path, tmp_path, CLASSES)
    assert caught.value.reason == "labels.spreadsheet"


def test_writers_that_leave_references_out() -> None:
    # ECMA-376, 18.3.1.4 and 18.3.1.73: `r` of a cell and of a row are optional; the next one follows.
    bare = SHEET.replace('r="1"', "").replace('r="A3"', "").replace('r="B3"', "")
    for name in ("A1", "B1", "C1"):
        bare = bare.replace(f'r="{name}"', "")
    assert first_sheet(xlsx(sheet=bare)) == first_sheet(xlsx())
    gap = (
        '<worksheet {0}><sheetData><row><c r="B2"><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>'
    )
    gap += "</sheetData></worksheet>"
    assert first_sheet(xlsx(sheet=gap.format(MAIN), strings="")) == [(2, ["", "1", "2"]), (3, ["3", "", ""])]
