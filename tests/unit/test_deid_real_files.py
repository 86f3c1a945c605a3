"""De-identified copies of the files that pydicom and its packages of test data carry."""

from __future__ import annotations

import importlib.util
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
from deid_injection import injected_set
from deid_midi_b import score
from test_deid_deidentify import BASIC, KEY

from privxray.deid.cleaning import deidentify_dicom as deid
from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.verify_copy import NotCleanError
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.part10 import read_part10
from privxray.deid.findings import rules
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.profile.profile import ProfileOption

MAX_SIZE = 600_000
RESEARCH = BASIC.with_options(
    {
        ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES,
        ProfileOption.RETAIN_PATIENT_CHARACTERISTICS,
        ProfileOption.RETAIN_DEVICE_IDENTITY,
        ProfileOption.RETAIN_SAFE_PRIVATE,
        ProfileOption.CLEAN_DESCRIPTORS,
        ProfileOption.CLEAN_STRUCTURED_CONTENT,
        ProfileOption.CLEAN_GRAPHICS,
    }
)


def real_files() -> list[bytes]:
    folders = [Path(pydicom.__file__).parent / "data" / "test_files"]
    for package, inner in (("data_store", "data"), ("deid_data", "data")):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            folders.append(Path(spec.submodule_search_locations[0]) / inner)
    paths = [path for folder in folders for path in sorted(folder.rglob("*.dcm"))]
    files = [path.read_bytes() for path in paths if path.stat().st_size < MAX_SIZE]
    return [data for data in files if is_dicom(data)]


def test_copies_of_real_files_pass_with_their_pixels_untouched() -> None:
    refused: Counter[str] = Counter()
    done = 0
    for data in real_files():
        try:
            result = deidentify(data, CopySettings(RESEARCH, Pseudonyms(KEY))).data
        except NotCleanError as error:
            refused[str(error)] += 1
            continue
        done += 1
        scan = scan_bytes(result, RESEARCH)
        assert [finding for finding in scan.findings if finding.severity == "error"] == []
        before, after = read_part10(data).tree, read_part10(result).tree
        pixels = before.nodes.get(0x7FE00010)
        if pixels is not None and not any(tag >> 24 == 0x60 for tag in before.nodes):
            assert after.nodes[0x7FE00010].value.startswith(
                pixels.value[: len(after.nodes[0x7FE00010].value)]
            )
    assert done >= 80
    assert refused.keys() <= {
        deid.DIRECTORY,
        deid.NO_INSTANCE,
        deid.UNSEARCHED,
        "the file meta names no transfer syntax that the standard knows",
        "the file ends in the middle of a data element, or a length points past its end",
        f"(0028,0008): {rules.VR_CONTENT.says}",
    }


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_bigendian.dcm", "JPEG2000.dcm", "rtplan.dcm"])
def test_a_reader_shows_the_same_picture(name: str) -> None:
    path = Path(str(pydicom.data.get_testdata_file(name)))
    before = pydicom.dcmread(path)
    result = deidentify(path.read_bytes(), CopySettings(BASIC, Pseudonyms(KEY)))
    after = pydicom.dcmread(io.BytesIO(result.data))
    if "PixelData" in before:
        assert np.array_equal(before.pixel_array, after.pixel_array)
    assert str(before.PatientID) not in str(after)
    assert after.SOPClassUID == before.SOPClassUID


def test_text_is_found_by_the_networks_and_blacked() -> None:
    if importlib.util.find_spec("rapidocr") is None:
        pytest.skip("the extra ocr is not installed")
    from privxray.deid.pixels.text.text_finder import TextFinder

    finder = TextFinder()
    settings = CopySettings(BASIC, Pseudonyms(KEY), finder.find)
    pairs = [
        (file, deidentify(file.data, settings).data)
        for file in injected_set(11, 2, patients=2, burned_in=True)
    ]
    found, _ = score(pairs)
    assert found["pixels_hidden"] == Counter({True: 2})
    assert found["pixels_retained"] == Counter({True: 2})
