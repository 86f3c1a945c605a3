"""Each step of the grey-scale pipeline alone, the planes of a file, and the rules of labels and limits."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from imaging_samples import dicom, picture, png, ramp, written
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from privxray.errors import MalformedError
from privxray.explanations.catalogue import reasons
from privxray.imaging.display import grey_pipeline as steps
from privxray.imaging.display.decoder_guards import guard_frames, guard_inflation
from privxray.imaging.display.grey import stretch
from privxray.imaging.display.limits import TROUBLES, unusable
from privxray.imaging.display.picture_file import display_picture
from privxray.imaging.label_rules import RULES, broken_row
from privxray.imaging.patient_places import PatientPlaces
from privxray.imaging.planes import planes

NAME = "im1"


def test_padding_is_a_value_or_a_range_in_either_order() -> None:
    stored = np.array([[1, 5, 9]], "u2")
    assert steps.padding_mask(dicom(stored), stored) is None
    one = steps.padding_mask(dicom(stored, PixelPaddingValue=5), stored)
    assert one is not None
    assert one.tolist() == [[False, True, False]]
    for first, last in ((4, 9), (9, 4)):
        mask = steps.padding_mask(dicom(stored, PixelPaddingValue=first, PixelPaddingRangeLimit=last), stored)
        assert mask is not None
        assert mask.tolist() == [[False, True, True]]
    assert steps.padding_mask(dicom(stored, PixelPaddingValue=7), stored) is None


def test_the_modality_step_rescales() -> None:
    stored = np.array([[0, 10]], "u2")
    rescaled = dicom(stored, RescaleSlope="0.5", RescaleIntercept="-3")
    assert steps.modality_values(rescaled, stored, name=NAME).tolist() == [[-3, 2]]
    assert steps.modality_values(dicom(stored), stored, name=NAME).tolist() == [[0, 10]]
    with pytest.raises(MalformedError) as caught:
        steps.modality_values(dicom(stored, RescaleSlope="1e39", RescaleIntercept="0"), stored, name=NAME)
    assert caught.value.reason == "image.rescale"


def test_a_voi_lut_maps_its_range_to_grey() -> None:
    table = Dataset()
    table.LUTDescriptor = [4, 0, 16]  # claims 16 bits and uses 12
    table.LUTData = np.array([4095, 2048, 1024, 0], "<u2").tobytes()
    values = np.array([[0, 1, 2, 3, 9]])
    file = pydicom.dcmread(io.BytesIO(written(dicom(ramp(), VOILUTSequence=[table]))))
    grey = steps.voi_lut(file, values)
    assert np.round(grey).tolist() == [[255, 128, 64, 0, 0]]


@pytest.mark.parametrize(
    ("function", "grey"),
    [
        ("LINEAR", [0.0, 127.5, 255.0]),
        ("LINEAR_EXACT", [25.5, 127.5, 229.5]),
        ("SIGMOID", [255 / (1 + np.exp(1.6)), 127.5, 255 / (1 + np.exp(-1.6))]),
    ],
)
def test_a_window_by_each_function(function: str, grey: list[float]) -> None:
    centre, width = 100, 10
    exact = np.array([[96.0, 100.0, 104.0]])
    values = np.array([[95.0, 99.5, 104.0]]) if function == "LINEAR" else exact
    file = dicom(ramp(), WindowCenter=centre, WindowWidth=width, VOILUTFunction=function)
    np.testing.assert_allclose(steps.window(file, values), [grey], atol=0.01)


@pytest.mark.parametrize(("function", "width"), [("LINEAR", 0.5), ("LINEAR_EXACT", 0), ("ZEBRA", 9)])
def test_no_such_window(function: str, width: float) -> None:
    file = dicom(ramp(), WindowCenter=1, WindowWidth=width, VOILUTFunction=function)
    with pytest.raises(ValueError, match="no such window"):
        steps.window(file, np.zeros((1, 1)))


def test_without_a_voi_eight_bits_stay_and_deep_values_are_stretched_without_padding() -> None:
    shallow = np.array([[0, 128, 255]], "u1")
    assert steps.without_voi(dicom(shallow, bits=8), shallow, None).tolist() == [[0, 128, 255]]
    signed = np.array([[-128, 127]], "i1")
    assert steps.without_voi(dicom(signed, bits=8), signed, None).tolist() == [[0, 255]]
    deep = np.array([[100, 300, 9999]], "u2")
    mask = deep == 9999
    assert steps.without_voi(dicom(deep), deep, mask).tolist() == [[0, 255, 255]]
    assert steps.without_voi(dicom(deep), deep, np.ones((1, 3), bool))[0, 2] == 255  # nothing but padding


def test_presentation_inverts_monochrome1_and_padding_is_black_in_both() -> None:
    grey = np.array([[0, 100]], np.float32)
    assert steps.presented(dicom(ramp()), grey).tolist() == [[0, 100]]
    inverted = steps.presented(dicom(ramp(), PhotometricInterpretation="MONOCHROME1"), grey)
    assert inverted.tolist() == [[255, 155]]
    assert steps.without_padding(inverted, np.array([[True, False]])).tolist() == [[0, 155]]
    assert steps.without_padding(inverted, None) is inverted


def test_a_flat_image_is_black() -> None:
    assert not stretch(np.full((2, 2), 7, np.float32), 7, 7).any()


# Pictures and planes


def test_a_picture_in_colour_is_its_luma() -> None:
    pure = np.zeros((1, 3, 3), np.uint8)
    pure[0, range(3), range(3)] = 255
    assert np.round(display_picture(png(pure), name=NAME)).tolist() == [[76, 150, 29]]


def test_what_viewers_hide_is_a_plane_of_its_own() -> None:
    layered = np.dstack([picture(1), picture(2), picture(3), picture(4)])
    shown, hidden = planes(png(layered), name=NAME)
    assert (shown.hidden, hidden.hidden) == (False, True)
    assert np.array_equal(shown.pixels, layered[..., :3])
    assert np.array_equal(hidden.pixels, layered[..., 3])
    stored = ramp()
    overlay = np.where(stored > 2000, 0x8000, 0).astype("u2")
    shown, hidden = planes(written(dicom(stored | overlay)), name=NAME)
    assert np.array_equal(shown.pixels, stored)
    assert np.array_equal(hidden.pixels > 0, overlay > 0)


def test_every_frame_comes_and_larger_is_brighter() -> None:
    two = np.stack([ramp(), ramp()[::-1]])
    ds = dicom(ramp(), PhotometricInterpretation="MONOCHROME1", NumberOfFrames=2)
    ds.PixelData = two.tobytes()
    found = list(planes(written(ds), name=NAME))
    assert [plane.frame for plane in found] == [0, 1]
    assert np.array_equal(found[0].pixels, 4095 - ramp())
    assert list(planes(written(_without_pixels()), name=NAME)) == []


def _without_pixels() -> Dataset:
    ds = dicom(ramp())
    del ds.PixelData
    return ds


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"text", "image.other-kind"),
        (png(picture(1))[:60], "image.picture-damaged"),
        (written(dicom(ramp()))[:-100], "image.not-decoded"),
    ],
)
def test_planes_of_bad_files(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError) as caught:
        list(planes(data, name=NAME))
    assert caught.value.reason == reason


def test_a_bomb_has_no_planes() -> None:
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "PNG")
    with pytest.raises(MalformedError) as caught:
        list(planes(stream.getvalue(), name=NAME))
    assert caught.value.reason == "image.too-many-pixels"


def test_the_guards_let_sound_files_pass() -> None:
    ds = dicom(ramp())
    ds.compress(RLELossless, encoding_plugin="pydicom")
    guard_frames(ds, NAME)
    guard_inflation(written(ds), NAME)
    ds.Rows, ds.Columns = 2, 2
    with pytest.raises(MalformedError) as caught:
        guard_frames(ds, NAME)
    assert caught.value.reason == "image.frame-size"


# Rules


def test_each_trouble_and_each_rule_of_rows_is_explained() -> None:
    for reason in (*TROUBLES, *RULES):
        assert reasons()[reason].exit_code == 11
    assert str(unusable(NAME, reason="image.no-pixels")).startswith(f"{NAME}: it holds no pixel data. ")


def test_a_broken_row_is_named_by_row_and_column() -> None:
    error = broken_row("a.csv", 3, "split", reason="labels.patient-in-two-splits", first=2)
    assert str(error).startswith(
        "a.csv: row 3, column `split`, puts a patient in another split than row 2 does."
    )
    assert str(broken_row("a.csv", 3, reason="labels.cells")).startswith(
        "a.csv: row 3 has more or fewer cells"
    )


def test_a_patient_has_one_place() -> None:
    places = PatientPlaces("a.csv")
    places.add("p1", 2, "train", None)
    places.add("p1", 3, "train", None)
    places.add("p2", 4, None, "A")
    for number, patient, split, site, reason in (
        (5, "p1", "val", None, "labels.patient-in-two-splits"),
        (6, "p2", None, "B", "labels.patient-at-two-sites"),
    ):
        with pytest.raises(MalformedError) as caught:
            places.add(patient, number, split, site)
        assert caught.value.reason == reason
