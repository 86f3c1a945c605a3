"""The grey-scale pipeline of DICOM: from the stored values of a frame to display grey (PS3.4 N.2).

=================== ============================== =====================================================
step                function                       section of PS3.3
=================== ============================== =====================================================
padding             :func:`padding_mask`           C.7.5.1.1.2 Pixel Padding Value and Range Limit
modality LUT        :func:`modality_values`        C.11.1 Modality LUT, rescale slope and intercept
VOI LUT             :func:`voi_lut`                C.11.2.1.1 LUT Descriptor and LUT Data
VOI window          :func:`window`                 C.11.2.1.2 Window, C.11.2.1.3 VOI LUT Function
neither of the two  :func:`without_voi`            C.11.2.1, with a stretch of our own for deep images
presentation        :func:`presented`              C.7.6.3.1.2 Photometric Interpretation
=================== ============================== =====================================================

Each step is one function, and :func:`display_grey` is their order. Where a file offers several windows or
LUTs, its first is taken. A VOI LUT goes before a window: its writer knew the image better. The output range
of a window becomes 0 to 255.

Every rule looks at the one image only, so what a patient contributes never depends on another patient.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from privxray.imaging.display.grey import Grey, stretch
from privxray.imaging.display.limits import unusable

Values: TypeAlias = npt.NDArray[Any]
"""Numbers ``[rows, columns]`` of any type."""

Mask: TypeAlias = npt.NDArray[np.bool_]


def display_grey(file: Dataset, stored: Values, *, name: str) -> Grey:
    """Display grey, float32 ``[rows, columns]``, of a monochrome frame.

    :param file: the data set that the frame belongs to.
    :param stored: the frame's stored values.
    :param name: the file's public name, for errors.
    :raises MalformedError: the rescale leaves the range of numbers.
    :raises Exception: whatever pydicom raises for a value that is not what it should be.
    """
    padding = padding_mask(file, stored)
    values = modality_values(file, stored, name=name)
    if file.get("VOILUTSequence"):
        grey = voi_lut(file, values)
    elif file.get("WindowCenter") is not None and file.get("WindowWidth") is not None:
        grey = window(file, values)
    else:
        grey = without_voi(file, values, padding)
    return without_padding(presented(file, grey), padding)


def padding_mask(file: Dataset, stored: Values) -> Mask | None:
    """Where the stored value is padding; None where none is (C.7.5.1.1.2).

    A range limit makes it a range, whose two ends come in either order.
    """
    first = file.get("PixelPaddingValue")
    if first is None:
        return None
    last = file.get("PixelPaddingRangeLimit")
    low, high = sorted((int(first), int(first if last is None else last)))
    mask: Mask = (stored >= low) & (stored <= high)
    return mask if mask.any() else None


def modality_values(file: Dataset, stored: Values, *, name: str) -> Values:
    """The values that the device measured: the modality LUT, or slope and intercept (C.11.1).

    :raises MalformedError: a value is not a number, or beyond what float32 can hold.
    """
    values: Values = apply_modality_lut(stored, file)
    with np.errstate(over="ignore"):
        ends = np.array([values.min(), values.max()]).astype(np.float32)  # what is not a number shows in both
    if not np.isfinite(ends).all():
        raise unusable(name, reason="image.rescale")
    return values


def voi_lut(file: Dataset, values: Values) -> Grey:
    """The first VOI LUT; its range of values becomes 0 to 255 (C.11.2.1.1)."""
    shown = apply_voi(np.rint(values).astype(np.int64), file, index=0)
    return stretch(shown.astype(np.float32), 0, 2 ** _lut_bits(file, file.VOILUTSequence[0]) - 1)


def window(file: Dataset, values: Values) -> Grey:
    """The first window, by the VOI LUT Function that the file names (C.11.2.1.2 and C.11.2.1.3).

    :raises ValueError: a width that the function does not allow, or an unknown function.
    """
    shown = values.astype(np.float32)
    centre, width = _first(file.WindowCenter), _first(file.WindowWidth)
    function = str(file.get("VOILUTFunction") or "LINEAR")
    if function == "SIGMOID" and width > 0:
        exponent = np.clip(-4 * (shown - centre) / width, -80, 80)
        curve: Grey = (255 / (1 + np.exp(exponent))).astype(np.float32)
        return curve
    if function == "LINEAR_EXACT" and width > 0:
        return stretch(shown, centre - width / 2, centre + width / 2)
    if function == "LINEAR" and width > 1:
        return stretch(shown, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)
    if function == "LINEAR" and width == 1:
        return np.where(shown <= centre - 0.5, np.float32(0), np.float32(255))
    raise ValueError("no such window")


def without_voi(file: Dataset, values: Values, padding: Mask | None) -> Grey:
    """Neither a VOI LUT nor a window: the standard shows the values as they are (C.11.2.1).

    For 8 bits that is done. Deeper images seldom fill their bits and would come out nearly black, so they are
    stretched from the smallest to the largest value, without padding.
    """
    shown = values.astype(np.float32)
    if file.BitsStored <= 8 and "RescaleSlope" not in file and "ModalityLUTSequence" not in file:
        low = -(2.0 ** (file.BitsStored - 1)) if file.PixelRepresentation else 0.0
        return stretch(shown, low, low + 2.0**file.BitsStored - 1)
    inside = shown if padding is None or padding.all() else shown[~padding]
    return stretch(shown, float(inside.min()), float(inside.max()))


def presented(file: Dataset, grey: Grey) -> Grey:
    """Bright is dense: MONOCHROME1, whose smallest value is white, is inverted (C.7.6.3.1.2)."""
    return 255 - grey if file.PhotometricInterpretation == "MONOCHROME1" else grey


def without_padding(grey: Grey, padding: Mask | None) -> Grey:
    """Padding, which surrounds a collimated image, becomes black (C.7.5.1.1.2)."""
    return grey if padding is None else np.where(padding, np.float32(0), grey)


def _lut_bits(file: Dataset, table: Dataset) -> int:
    """How many bits a LUT's values have; descriptors that say 16 for values of 12 bits are common."""
    claimed = int(table.LUTDescriptor[2])
    if claimed <= 8:
        return 8
    data = table.LUTData
    if isinstance(data, bytes):
        data = np.frombuffer(data, "<u2" if file.original_encoding[1] else ">u2")
    return min(claimed, max(int(np.max(data)).bit_length(), 1))


def _first(value: Any) -> float:
    return float(value if isinstance(value, (int, float, str)) else value[0])
