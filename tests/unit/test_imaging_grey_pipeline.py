"""Each step of the grey-scale pipeline alone, the planes of a file, and the rules of labels and limits."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from imaging_samples import dicom, picture, png, ramp, written
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from privxray.errors import MalformedError
from privxray.explanations.catalogue import reasons
from privxray.imaging.display import grey_pipeline as steps
from privxray.imaging.display.attributes import real, reals, word, words
from privxray.imaging.display.decoder_guards import guard_frames, guard_inflation
from privxray.imaging.display.grey import stretch
from privxray.imaging.display.limits import TROUBLES, AttributeTroubleError, unusable
from privxray.imaging.display.lookup_table import Inputs, first_table
from privxray.imaging.display.picture_file import display_picture
from privxray.imaging.display.sample_bits import SampleBits
from privxray.imaging.labelling.label_rules import RULES, broken_row
from privxray.imaging.labelling.patient_places import PatientPlaces
from privxray.imaging.planes import planes
from privxray.naming.patient_id import PatientId

NAME = "im1"


BITS12 = SampleBits(16, 12, 0, signed=False)
SIGNED12 = SampleBits(16, 12, 0, signed=True)


def read(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    """The data set as it is read from a file."""
    return pydicom.dcmread(io.BytesIO(written(ds, syntax)))


def lut(count: int, first: int, bits: int, data: object, *, vr: str = "US", data_vr: str = "OW") -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, vr, [count, first, bits])
    item.add_new(0x00283006, data_vr, data)
    return item


def little(*numbers: int) -> bytes:
    return np.array(numbers, "<u2").tobytes()


# Attributes and bits


def test_the_sample_is_cut_out_of_its_cell() -> None:
    cells = np.array([[0xF123, 0x0FFF, 0x0800]], "u2")
    assert BITS12.values(cells).tolist() == [[0x123, 0xFFF, 0x800]]
    assert SIGNED12.values(cells).tolist() == [[0x123, -1, -2048]]
    high = np.array([[0x1230, 0xFFF0, 0x8000]], "u2")
    assert SampleBits(16, 12, 4, signed=False).values(high).tolist() == [[0x123, 0xFFF, 0x800]]
    assert SampleBits(16, 12, 4, signed=True).values(high.view("i2")).tolist() == [[0x123, -1, -2048]]
    middle = np.array([[0xD235]], "u2")  # bits 3 to 12
    assert SampleBits(16, 10, 3, signed=False).values(middle).tolist() == [[0xD235 >> 3 & 0x3FF]]
    byte = np.array([[0xA5]], "u1")
    assert SampleBits(8, 4, 4, signed=False).values(byte).tolist() == [[10]]
    assert SampleBits(8, 4, 4, signed=True).values(byte).tolist() == [[-6]]
    assert (BITS12.smallest, BITS12.largest) == (0, 4095)
    assert (SIGNED12.smallest, SIGNED12.largest) == (-2048, 2047)


@pytest.mark.parametrize(
    ("stored", "high", "shift"), [(12, 15, 4), (12, 13, 2), (12, 11, 0), (12, 7, 0), (16, 15, 0), (16, 99, 0)]
)
def test_high_bit_says_where_the_sample_lies_unless_it_cannot_be_true(
    stored: int, high: int, shift: int
) -> None:
    assert SampleBits.of(dicom(ramp(), BitsStored=stored, HighBit=high)).shift == shift


def test_an_empty_high_bit_is_an_absent_one() -> None:
    assert SampleBits.of(read(dicom(ramp(), HighBit=None))) == BITS12


@pytest.mark.parametrize(
    ("attributes", "keyword"),
    [
        ({"BitsStored": 17}, "BitsStored"),
        ({"BitsStored": None}, "BitsStored"),
        ({"BitsAllocated": None}, "BitsAllocated"),
        ({"HighBit": 16}, "HighBit"),
        ({"PixelRepresentation": 2}, "PixelRepresentation"),
        ({"PixelRepresentation": None}, "PixelRepresentation"),
        ({"HighBit": 15}, "HighBit"),  # and the samples lie low all the same
    ],
)
def test_impossible_bits_name_their_attribute(attributes: dict[str, int], keyword: str) -> None:
    file = dicom(ramp(), **attributes)
    with pytest.raises(AttributeTroubleError) as caught:
        SampleBits.of(file).values(ramp())
    assert (caught.value.reason, caught.value.keyword) == ("image.bits", keyword)


def test_signed_samples_that_lie_low_under_a_high_bit_of_15_are_not_shifted_to_nothing() -> None:
    cells = np.array([[-5, 3, 2047]], "i2")
    with pytest.raises(AttributeTroubleError):
        SampleBits(16, 12, 4, signed=True).values(cells)
    with pytest.raises(AttributeTroubleError):
        SampleBits(16, 12, 4, signed=True).values(cells.view("u2"))


def test_words_have_no_sign_and_numbers_are_finite() -> None:
    file = read(dicom(ramp(), PixelPaddingValue=0xF830), ImplicitVRLittleEndian)
    assert word(file, "PixelPaddingValue", "image.padding") == 0xF830
    assert word(dicom(ramp(), PixelPaddingValue=-2000), "PixelPaddingValue", "image.padding") == 0xF830
    assert word(dicom(ramp()), "PixelPaddingValue", "image.padding") is None
    assert words(file, dicom(ramp()), "LUTDescriptor", "image.lut") == []
    assert reals(dicom(ramp(), WindowWidth=["", "7"]), "WindowWidth", "image.window") == [None, 7]
    assert reals(dicom(ramp(), WindowWidth=["", ""]), "WindowWidth", "image.window") == []
    assert real(read(dicom(ramp(), RescaleSlope=None)), "RescaleSlope", 1, "image.rescale") == 1
    for value in ("nan", ["1", "2"]):
        with pytest.raises(AttributeTroubleError, match="Rescale Slope"):
            real(dicom(ramp(), RescaleSlope=value), "RescaleSlope", 1, "image.rescale")


def test_padding_is_a_value_or_a_range_in_either_order() -> None:
    stored = np.array([[1, 5, 9]], "u2")
    assert steps.padding_mask(dicom(stored), BITS12, stored) is None
    one = steps.padding_mask(dicom(stored, PixelPaddingValue=5), BITS12, stored)
    assert one is not None
    assert one.tolist() == [[False, True, False]]
    for first, last in ((4, 9), (9, 4)):
        file = dicom(stored, PixelPaddingValue=first, PixelPaddingRangeLimit=last)
        mask = steps.padding_mask(file, BITS12, stored)
        assert mask is not None
        assert mask.tolist() == [[False, True, True]]
    assert steps.padding_mask(dicom(stored, PixelPaddingValue=7), BITS12, stored) is None
    assert steps.padding_mask(read(dicom(stored, PixelPaddingValue=None)), BITS12, stored) is None


@pytest.mark.parametrize("vr", ["US", "SS"])
def test_padding_has_the_sign_of_the_pixels(vr: str) -> None:
    signed = np.array([[-2000, 5, 100]], "i2")
    file = dicom(signed, bits=16)
    file.add_new(0x00280120, vr, 63536 if vr == "US" else -2000)
    mask = steps.padding_mask(read(file), SampleBits.of(file), signed)
    assert mask is not None
    assert mask.tolist() == [[True, False, False]]
    unsigned = np.array([[63536, 5, 100]], "u2")
    file = dicom(unsigned, bits=16)
    file.add_new(0x00280120, vr, 63536 if vr == "US" else -2000)
    mask = steps.padding_mask(read(file), SampleBits.of(file), unsigned)
    assert mask is not None
    assert mask.tolist() == [[True, False, False]]
    bytes_ = np.array([[-128, 5]], "i1")
    file = dicom(bytes_, bits=8)
    file.add_new(0x00280120, vr, 128 if vr == "US" else -128)
    mask = steps.padding_mask(read(file), SampleBits.of(file), bytes_)
    assert mask is not None
    assert mask.tolist() == [[True, False]]


# Modality


def test_the_modality_step_rescales() -> None:
    stored = np.array([[0, 10]], "u2")

    def values(**attributes: object) -> list[list[float]]:
        measured: list[list[float]] = steps.modality_values(
            read(dicom(stored, **attributes)), BITS12, stored
        ).values.tolist()
        return measured

    assert values(RescaleSlope="0.5", RescaleIntercept="-3") == [[-3, 2]]
    assert values() == [[0, 10]]
    assert values(RescaleSlope=None, RescaleIntercept=None) == [[0, 10]]
    assert values(RescaleSlope="2") == [[0, 20]]
    assert values(RescaleSlope=None, RescaleIntercept="-1024") == [[-1024, -1014]]
    inverted = steps.modality_values(dicom(stored, RescaleSlope="-1", RescaleIntercept="0"), BITS12, stored)
    assert inverted.inputs == (-4095, 0)


@pytest.mark.parametrize(("slope", "intercept"), [("1e39", "0"), ("0", "5"), ("1e308", "1e308")])
def test_a_rescale_that_can_not_be_applied(slope: str, intercept: str) -> None:
    stored = np.array([[0, 10]], "u2")
    with pytest.raises(AttributeTroubleError) as caught:
        steps.modality_values(dicom(stored, RescaleSlope=slope, RescaleIntercept=intercept), BITS12, stored)
    assert (caught.value.reason, caught.value.keyword) == ("image.rescale", "RescaleSlope")


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_modality_lut_of_any_depth(bits: int, syntax: str) -> None:
    top = 2**bits - 1
    stored = np.array([[0, 1, 2, 3, 9]], "u2")
    table = lut(4, 1, bits, little(top, 7, 5, 0))
    file = read(dicom(stored, ModalityLUTSequence=[table]), syntax)
    measured = steps.modality_values(file, BITS12, stored)
    assert measured.values.tolist() == [[top, top, 7, 5, 0]]
    assert (measured.inputs, measured.bits) == ((0, top), bits)


def test_an_empty_modality_lut_leaves_the_rescale() -> None:
    stored = np.array([[4]], "u2")
    empty = Dataset()
    empty.add_new(0x00283002, "US", None)
    empty.add_new(0x00283006, "OW", None)
    for items in ([], [empty]):
        file = read(dicom(stored, ModalityLUTSequence=items, RescaleSlope="3", RescaleIntercept="1"))
        assert steps.modality_values(file, BITS12, stored).values.tolist() == [[13]]


# Lookup tables


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
@pytest.mark.parametrize("vr", ["US", "SS"])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("keyword", ["ModalityLUTSequence", "VOILUTSequence"])
def test_the_first_input_has_the_sign_that_inputs_have(
    keyword: str, signed: bool, vr: str, syntax: str
) -> None:
    """-3 with signed pixels, 65533 with unsigned ones: the same word, in whichever VR."""
    stored = np.array([[-3, -2, 0]], "i2") if signed else np.array([[65533, 65534, 65535]], "u2")
    table = lut(4, -3 if vr == "SS" else 65533, 16, little(10, 20, 30, 40), vr=vr)
    file = read(dicom(stored, bits=16, **{keyword: [table]}), syntax)
    bits = SampleBits.of(file)
    found = first_table(file, keyword, Inputs(bits.smallest, bits.largest))
    assert found is not None
    assert found.first == (-3 if signed else 65533)
    assert found.apply(stored).tolist() == ([[10, 20, 40]] if signed else [[10, 20, 30]])


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_rescale_gives_inputs_their_sign(syntax: str) -> None:
    """Unsigned pixels, negative inputs; and signed pixels whose inputs are all positive and large."""
    stored = np.array([[0, 4095]], "u2")
    table = lut(4096, -2048, 12, np.arange(4096, dtype="<u2").tobytes(), vr="SS")
    rescale = {"RescaleSlope": "1", "RescaleIntercept": "-2048"}
    file = read(dicom(stored, VOILUTSequence=[table], **rescale), syntax)
    assert steps.display_grey(file, stored).tolist() == [[0, 255]]
    signed = np.array([[-2048, 2047]], "i2")
    table = lut(4096, 40000, 12, np.arange(4096, dtype="<u2").tobytes())
    rescale = {"RescaleSlope": "1", "RescaleIntercept": "42048"}
    file = read(dicom(signed, VOILUTSequence=[table], **rescale), syntax)
    assert steps.display_grey(file, signed).tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("claimed", "data", "data_vr", "entries", "bits"),
    [
        (8, little(0, 128, 255, 7), "OW", [0, 128, 255, 7], 8),  # bytes in words
        (8, bytes([0, 128, 255, 7]), "OW", [0, 128, 255, 7], 8),  # packed
        (8, [0, 128, 255, 7], "US", [0, 128, 255, 7], 8),
        (8, [0x8000, 0x07FF], "US", [0, 128, 255, 7], 8),  # packed, in numbers
        (16, bytes([0, 128, 255, 7]), "OW", [0, 128, 255, 7], 8),  # packed, whatever it claims
        (8, little(0, 1024, 4095, 7), "OW", [0, 1024, 4095, 7], 12),  # claims 8 and uses 12
        (16, little(0, 1024, 4095, 7), "OW", [0, 1024, 4095, 7], 12),  # claims 16 and uses 12
        (12, little(0, 1024, 4095, 7, 99, 99), "OW", [0, 1024, 4095, 7], 12),  # longer than it says
        (16, little(0, 0, 0, 0), "OW", [0, 0, 0, 0], 1),
    ],
)
def test_entries_are_read_by_the_length_of_their_data(
    claimed: int, data: object, data_vr: str, entries: list[int], bits: int
) -> None:
    file = read(dicom(ramp(), VOILUTSequence=[lut(4, 0, claimed, data, data_vr=data_vr)]))
    found = first_table(file, "VOILUTSequence", Inputs(0, 4095))
    assert found is not None
    assert (found.entries.tolist(), found.bits) == (entries, bits)


def test_a_packed_table_of_odd_length_and_one_of_bytes() -> None:
    for data_vr in ("OW", "OB"):
        table = lut(3, 0, 8, bytes([1, 2, 3, 0]), data_vr=data_vr)
        found = first_table(read(dicom(ramp(), VOILUTSequence=[table])), "VOILUTSequence", Inputs(0, 4095))
        assert found is not None
        assert found.entries.tolist() == [1, 2, 3]


def test_a_table_of_65536_entries_says_0() -> None:
    table = lut(0, 0, 16, np.arange(65536, dtype="<u2").tobytes())
    found = first_table(read(dicom(ramp(), VOILUTSequence=[table])), "VOILUTSequence", Inputs(0, 65535))
    assert found is not None
    assert found.apply(np.array([0, 40000, 65535])).tolist() == [0, 40000, 65535]


@pytest.mark.parametrize(
    ("table", "keyword"),
    [
        (lut(9, 0, 12, little(1, 2)), "LUTData"),
        (lut(4, 0, 12, b"\1\2"), "LUTData"),
    ],
)
def test_a_table_that_contradicts_its_descriptor(table: Dataset, keyword: str) -> None:
    file = read(dicom(ramp(), VOILUTSequence=[table]))
    with pytest.raises(AttributeTroubleError) as caught:
        first_table(file, "VOILUTSequence", Inputs(0, 4095))
    assert (caught.value.reason, caught.value.keyword) == ("image.lut", keyword)


def test_a_descriptor_of_two_numbers_is_named() -> None:
    table = Dataset()
    table.add_new(0x00283002, "US", [4, 0])
    table.add_new(0x00283006, "OW", little(1, 2, 3, 4))
    with pytest.raises(AttributeTroubleError, match="LUT Descriptor"):
        first_table(read(dicom(ramp(), VOILUTSequence=[table])), "VOILUTSequence", Inputs(0, 4095))


def test_a_voi_lut_maps_its_range_to_grey() -> None:
    table = lut(4, 0, 16, little(4095, 2048, 1024, 0))  # claims 16 bits and uses 12
    found = first_table(read(dicom(ramp(), VOILUTSequence=[table])), "VOILUTSequence", Inputs(0, 4095))
    assert found is not None
    grey = steps.voi_lut(found, np.array([[0, 1, 2, 3, 9]]))
    assert np.round(grey).tolist() == [[255, 128, 64, 0, 0]]


def test_the_first_voi_lut_that_is_not_empty_is_taken_and_else_the_window() -> None:
    stored = np.array([[0, 2048, 4095]], "u2")
    empty = Dataset()
    empty.add_new(0x00283002, "US", None)
    empty.LUTExplanation = "Normal"
    upside_down = lut(4096, 0, 12, np.arange(4096, dtype="<u2")[::-1].tobytes())
    window = {"WindowCenter": "2048", "WindowWidth": "4096"}
    both = read(dicom(stored, VOILUTSequence=[empty, upside_down], **window))
    assert np.round(steps.display_grey(both, stored)).tolist() == [[255, 127, 0]]
    alone = read(dicom(stored, VOILUTSequence=[empty], **window))
    assert np.round(steps.display_grey(alone, stored)).tolist() == [[0, 128, 255]]


# Windows


@pytest.mark.parametrize(
    ("function", "grey"),
    [
        ("LINEAR", [0.0, 127.5, 255.0]),
        ("LINEAR_EXACT", [25.5, 127.5, 229.5]),
        ("SIGMOID", [255 / (1 + np.exp(1.6)), 127.5, 255 / (1 + np.exp(-1.6))]),
    ],
)
def test_a_window_by_each_function(function: str, grey: list[float]) -> None:
    exact = np.array([[96.0, 100.0, 104.0]])
    values = np.array([[95.0, 99.5, 104.0]]) if function == "LINEAR" else exact
    file = dicom(ramp(), VOILUTFunction=function)
    np.testing.assert_allclose(steps.window(file, values, 100, 10), [grey], atol=0.01)


def test_a_linear_window_narrower_than_one_is_taken_as_exact() -> None:
    values = np.array([[0.0, 0.1, 0.2, 0.3, 0.4]])
    file = dicom(ramp())
    np.testing.assert_allclose(steps.window(file, values, 0.2, 0.2), [[0, 0, 127.5, 255, 255]], atol=0.01)


@pytest.mark.parametrize(
    ("function", "width", "keyword"),
    [
        ("LINEAR", 0, "WindowWidth"),
        ("LINEAR_EXACT", 0, "WindowWidth"),
        ("SIGMOID", -1, "WindowWidth"),
        ("ZEBRA", 9, "VOILUTFunction"),
    ],
)
def test_no_such_window(function: str, width: float, keyword: str) -> None:
    with pytest.raises(AttributeTroubleError) as caught:
        steps.window(dicom(ramp(), VOILUTFunction=function), np.zeros((1, 1)), 1, width)
    assert (caught.value.reason, caught.value.keyword) == ("image.window", keyword)


@pytest.mark.parametrize(
    ("centres", "widths", "first"),
    [
        (["", "30"], ["", "4"], (30, 4)),
        (["20", "30"], ["", "4"], (30, 4)),
        (["20", "30"], ["5", "4"], (20, 5)),
        ("20", "", None),
        (None, None, None),
        (["20", "30"], "5", (20, 5)),
    ],
)
def test_the_first_window_that_is_not_empty(
    centres: object, widths: object, first: tuple[float, float] | None
) -> None:
    assert steps.first_window(read(dicom(ramp(), WindowCenter=centres, WindowWidth=widths))) == first


# Without a VOI


def without_voi(stored: np.ndarray, bits: int, mask: np.ndarray | None = None, **more: object) -> list[float]:
    file = read(dicom(stored, bits=bits, **more))
    measured = steps.modality_values(file, SampleBits.of(file), stored)
    grey: list[float] = steps.without_voi(measured, mask)[0].tolist()
    return grey


def test_without_a_voi_eight_bits_stay_and_deep_values_are_stretched_without_padding() -> None:
    assert without_voi(np.array([[0, 128, 255]], "u1"), 8) == [0, 128, 255]
    assert without_voi(np.array([[-128, 127]], "i1"), 8) == [0, 255]
    deep = np.array([[100, 300, 4000]], "u2")
    mask = deep == 4000
    assert without_voi(deep, 12, mask) == [0, 255, 255]
    assert without_voi(deep, 12, np.ones((1, 3), bool))[2] == 255  # nothing but padding


def test_a_rescale_of_eight_bits_changes_no_contrast() -> None:
    stored = np.array([[50, 128, 200]], "u1")
    for slope, intercept in (("1", "0"), ("1", "-128"), ("0.5", "7"), ("3", "1000")):
        grey = without_voi(stored, 8, RescaleSlope=slope, RescaleIntercept=intercept)
        np.testing.assert_allclose(grey, [50, 128, 200], atol=0.01)
    turned = without_voi(stored, 8, RescaleSlope="-1", RescaleIntercept="255")
    np.testing.assert_allclose(turned, [205, 127, 55], atol=0.01)
    same = lut(256, 0, 8, np.arange(256, dtype="<u2").tobytes())
    assert without_voi(stored, 8, ModalityLUTSequence=[same]) == [50, 128, 200]


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


@pytest.mark.parametrize("high", [15, None, 3])
def test_the_planes_of_samples_that_lie_high_or_say_nothing_of_it(high: int | None) -> None:
    stored = (ramp() << 4).astype("u2") if high == 15 else ramp()
    (shown,) = planes(written(dicom(stored, HighBit=high)), name=NAME)
    assert np.array_equal(shown.pixels, ramp())


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
        (written(dicom(ramp(), HighBit=16)), "image.bits"),
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
        "a.csv: row 3, column `split`, puts a patient in a different split from row 2 does."
    )
    assert str(broken_row("a.csv", 3, reason="labels.cells", cells="2 cells", columns=3)).startswith(
        "a.csv: row 3 has 2 cells, and the header has 3."
    )


def test_a_patient_has_one_place() -> None:
    places = PatientPlaces("a.csv")
    places.add(PatientId("p1"), 2, "train", None)
    places.add(PatientId("p1"), 3, "train", None)
    places.add(PatientId("p2"), 4, None, "A")
    for number, patient, split, site, reason in (
        (5, "p1", "val", None, "labels.patient-in-two-splits"),
        (6, "p2", None, "B", "labels.patient-at-two-sites"),
    ):
        with pytest.raises(MalformedError) as caught:
            places.add(PatientId(patient), number, split, site)
        assert caught.value.reason == reason
