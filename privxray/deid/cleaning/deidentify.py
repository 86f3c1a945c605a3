"""The bytes of one file in, those of its de-identified copy out (PS3.15 Annex E).

The check of ``privxray check`` judges the copy, and one that it finds an error in is not handed out. Equal
bytes, key, profile and options give equal copies: that is how an interrupted run recognises its own.

The text of a :class:`NotCleanError` is one of this package's fixed ones, at most with the name of an
attribute from the standard's table.
"""

from __future__ import annotations

from privxray.deid.cleaning.black_text import black_text
from privxray.deid.cleaning.deidentify_dicom import CleanCopy, CopySettings, deidentify_dicom
from privxray.deid.cleaning.elements.patient_values import NO_VALUES, PatientValues
from privxray.deid.cleaning.strip_pictures import strip_jpeg, strip_png
from privxray.deid.cleaning.verify_copy import NotCleanError, errors_in, not_clean
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.judging.file_scan import NO_IMAGE
from privxray.deid.pixels.picture_pixels import PicturePixels
from privxray.deid.pixels.picture_samples import UPRIGHT, orientation_of
from privxray.deid.pixels.trouble import PixelTroubleError
from privxray.deid.sources.kinds import is_jpeg, is_png


def deidentify(data: bytes, settings: CopySettings, others: PatientValues = NO_VALUES) -> CleanCopy:
    """De-identify the bytes of one DICOM, JPEG or PNG file.

    :param others: identifying values of the patient's other files.
    :raises NotCleanError: it can't be made clean.
    """
    if is_dicom(data):
        return deidentify_dicom(data, settings, others)
    if is_jpeg(data) or is_png(data):
        return _deidentify_picture(data, settings)
    raise NotCleanError(NO_IMAGE)


def _deidentify_picture(data: bytes, settings: CopySettings) -> CleanCopy:
    """A picture without what is written around it.

    Its pixels change only where there is text in them, or where EXIF data, which goes, says that the picture
    is shown turned: then the pixels are turned.
    """
    jpeg, boxes = is_jpeg(data), 0
    try:
        result = strip_jpeg(data) if jpeg else strip_png(data)
        orientation = orientation_of(data)
        if settings.find_text is not None or orientation != UPRIGHT:
            pixels = PicturePixels(result, orientation)
            if settings.find_text is not None:
                boxes = len(black_text(pixels, settings.find_text))
            if boxes or (orientation != UPRIGHT and not jpeg):
                # a JPEG can't be changed in one place without loss in others
                result, jpeg = strip_png(pixels.as_png()), False
            elif orientation != UPRIGHT:
                result = strip_jpeg(pixels.as_jpeg())
    except PixelTroubleError as trouble:
        raise NotCleanError(str(trouble)) from None
    errors = errors_in(result, settings.profile)
    if errors:
        raise not_clean(errors)
    return CleanCopy(result, "", "", boxes, ".jpg" if jpeg else ".png")
