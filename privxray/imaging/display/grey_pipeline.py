"""The grey-scale pipeline of DICOM: from the cells of a frame to display grey (PS3.4 N.2).

This is the order of the steps, each of which is one function, and where the standard says what it does:

=================== ============================== =====================================================
step                function                       section
=================== ============================== =====================================================
stored values       :class:`SampleBits`            PS3.3 C.7.6.3.1, PS3.5 8.1.1: bits stored, high bit
padding             :func:`padding_mask`           PS3.3 C.7.5.1.1.2 Pixel Padding Value and Range Limit
modality LUT        :func:`modality_values`        PS3.3 C.11.1: Modality LUT, or rescale slope and intercept
VOI LUT             :func:`voi_lut`                PS3.3 C.11.2.1.1 LUT Descriptor and LUT Data
VOI window          :func:`window`                 PS3.3 C.11.2.1.2 Window, C.11.2.1.3 VOI LUT Function
neither of the two  :func:`without_voi`            PS3.3 C.11.2.1, with a stretch of our own for deep images
presentation        :func:`presented`              PS3.3 C.7.6.3.1.2 Photometric Interpretation
display             :func:`without_padding`        PS3.14: what comes out are P-Values, 0 to 255
=================== ============================== =====================================================

An attribute that is empty is taken for absent. Where a file offers several windows or LUTs, the first that is
not empty is taken. A VOI LUT goes before a window: its writer knew the image better. The output range of a
window becomes 0 to 255. P-Values are perceptually linear already (PS3.14), so nothing is done to them. A
Presentation LUT Shape only repeats what the Photometric Interpretation says (C.8.11.3.1.2), so it is not
read.

Every rule looks at the one image only, so what a patient contributes never depends on another patient.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from privxray.imaging.display.attributes import real, reals, signed_word, word
from privxray.imaging.display.grey import Grey, stretch
from privxray.imaging.display.limits import AttributeTroubleError
from privxray.imaging.display.lookup_table import Inputs, LookupTable, first_table
from privxray.imaging.display.sample_bits import SampleBits, Values

Mask: TypeAlias = npt.NDArray[np.bool_]

_BYTE = 8


class Measured(NamedTuple):
    """What the modality step gives.

    :ivar values: ``[rows, columns]``. :ivar inputs: the smallest and the largest value that there can be.
    :ivar bits: how many bits the values had before a rescale, which does not change the picture.
    """

    values: Values
    inputs: Inputs
    bits: int


def display_grey(file: Dataset, cells: Values) -> Grey:
    """Display grey, float32 ``[rows, columns]``, of a monochrome frame.

    :param file: the data set that the frame belongs to.
    :param cells: the frame as it lies in the file, with the bits that are not the samples'.
    :raises AttributeTroubleError: an attribute makes the image unreadable.
    :raises Exception: whatever pydicom raises for a value that is not what it should be.
    """
    bits = SampleBits.of(file)
    stored = bits.values(cells)
    padding = padding_mask(file, bits, stored)
    measured = modality_values(file, bits, stored)
    table = first_table(file, "VOILUTSequence", measured.inputs)
    limits = first_window(file)
    if table is not None:
        grey = voi_lut(table, measured.values)
    elif limits is not None:
        grey = window(file, measured.values, *limits)
    else:
        grey = without_voi(measured, padding)
    return without_padding(presented(file, grey), padding)


def padding_mask(file: Dataset, bits: SampleBits, stored: Values) -> Mask | None:
    """Where the stored value is padding; None where none is (C.7.5.1.1.2).

    A range limit makes it a range, whose two ends come in either order. Both have the sign of the pixels,
    whatever VR they were written with.

    :raises AttributeTroubleError: one of them is no number.
    """
    first, last = (
        _with_sign_of_pixels(bits, word(file, keyword, "image.padding"))
        for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")
    )
    if first is None:
        return None
    low, high = sorted((first, first if last is None else last))
    mask: Mask = (stored >= low) & (stored <= high)
    return mask if mask.any() else None


def modality_values(file: Dataset, bits: SampleBits, stored: Values) -> Measured:
    """The values that the device measured: the Modality LUT, or slope and intercept (C.11.1).

    :raises AttributeTroubleError: the table can't be applied; slope or intercept is no number; the slope is
        0; or a value is beyond what float32 can hold.
    """
    inputs = Inputs(bits.smallest, bits.largest)
    table = first_table(file, "ModalityLUTSequence", inputs)
    if table is not None:
        outputs = Inputs(0, 2**table.bits - 1)
        return Measured(table.apply(stored), outputs, table.bits)
    slope = real(file, "RescaleSlope", 1, "image.rescale")
    intercept = real(file, "RescaleIntercept", 0, "image.rescale")
    if (slope, intercept) == (1, 0):
        return Measured(stored, inputs, bits.stored)
    if slope == 0:
        raise AttributeTroubleError("image.rescale", "RescaleSlope")
    with np.errstate(over="ignore"):
        outputs = Inputs(*sorted(end * slope + intercept for end in inputs))
        if not np.isfinite(np.array(outputs).astype(np.float32)).all():
            raise AttributeTroubleError("image.rescale", "RescaleSlope")
        return Measured(stored.astype(np.float64) * slope + intercept, outputs, bits.stored)


def voi_lut(table: LookupTable, values: Values) -> Grey:
    """A VOI LUT; its range of values becomes 0 to 255 (C.11.2.1.1)."""
    return stretch(table.apply(values).astype(np.float32), 0, 2**table.bits - 1)


def first_window(file: Dataset) -> tuple[float, float] | None:
    """Centre and width of the first window that has both; None where no window has (C.11.2.1.2).

    :raises AttributeTroubleError: one of all these is no number.
    """
    centres, widths = (reals(file, keyword, "image.window") for keyword in ("WindowCenter", "WindowWidth"))
    for centre, width in zip(centres, widths, strict=False):
        if centre is not None and width is not None:
            return centre, width
    return None


def window(file: Dataset, values: Values, centre: float, width: float) -> Grey:
    """A window, by the VOI LUT Function that the file names (C.11.2.1.2 and C.11.2.1.3).

    LINEAR allows no width under 1, since it was made for whole numbers. Writers whose slope is a small
    fraction use such widths all the same, and mean what LINEAR_EXACT does.

    :raises AttributeTroubleError: a width that is not above 0, or an unknown function.
    """
    shown = values.astype(np.float32)
    if width <= 0:
        raise AttributeTroubleError("image.window", "WindowWidth")
    function = str(file.get("VOILUTFunction") or "").strip().upper() or "LINEAR"
    if function == "SIGMOID":
        exponent = np.clip(-4 * (shown - centre) / width, -80, 80)
        curve: Grey = (255 / (1 + np.exp(exponent))).astype(np.float32)
        return curve
    if function == "LINEAR_EXACT" or (function == "LINEAR" and width < 1):
        return stretch(shown, centre - width / 2, centre + width / 2)
    if function == "LINEAR" and width > 1:
        return stretch(shown, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)
    if function == "LINEAR":
        return np.where(shown <= centre - 0.5, np.float32(0), np.float32(255))
    raise AttributeTroubleError("image.window", "VOILUTFunction")


def without_voi(measured: Measured, padding: Mask | None) -> Grey:
    """Neither a VOI LUT nor a window: the standard shows the values as they are (C.11.2.1).

    For 8 bits that is done, whatever a rescale calls these values. Deeper images seldom fill their bits and
    would come out nearly black, so they are stretched from the smallest to the largest value, without
    padding.
    """
    shown = measured.values.astype(np.float32)
    if measured.bits <= _BYTE:
        return stretch(shown, *measured.inputs)
    inside = shown if padding is None or padding.all() else shown[~padding]
    return stretch(shown, float(inside.min()), float(inside.max()))


def presented(file: Dataset, grey: Grey) -> Grey:
    """Bright is dense: MONOCHROME1, whose smallest value is white, is inverted (C.7.6.3.1.2)."""
    return 255 - grey if file.PhotometricInterpretation == "MONOCHROME1" else grey


def without_padding(grey: Grey, padding: Mask | None) -> Grey:
    """Padding, which surrounds a collimated image, becomes black (C.7.5.1.1.2)."""
    return grey if padding is None else np.where(padding, np.float32(0), grey)


def _with_sign_of_pixels(bits: SampleBits, number: int | None) -> int | None:
    if number is None or not bits.signed:
        return number
    is_byte = bits.allocated == _BYTE and number < 1 << _BYTE  # written without the bits above the cell's
    return signed_word(number << _BYTE) >> _BYTE if is_byte else signed_word(number)
