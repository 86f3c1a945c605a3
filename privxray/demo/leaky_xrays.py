"""X-rays whose files say too much, for the check to find. All persons and places in them are invented."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from privxray.demo.dicom_file import Exposure, dicom_file, encoded
from privxray.imaging.chest_picture import FINDINGS, Child


def draw_leaky(folder: Path, *, seed: int = 1) -> Path:
    """Draw six leaky files into ``folder``, and return it.

    They have: a name and a birth date; an address and a telephone number; a private element; a name inside a
    sequence; an application's title in the file meta information; a file name that is a patient's name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, leak) in enumerate(_LEAKS.items(), start=1):
        rng = np.random.default_rng((seed, 999, number))
        child = Child.invent(str(rng.choice(FINDINGS)), rng)
        file = dicom_file(Exposure(child, f"px{9000 + number}", 1, 1.0), rng)
        leak(file)
        (folder / name).write_bytes(encoded(file))
    return folder


def _name(file: Dataset) -> None:
    file.PatientName = "Example^Hannah"
    file.PatientBirthDate = "20190314"


def _place(file: Dataset) -> None:
    file.InstitutionAddress = "1 Invented Street"
    file.PatientTelephoneNumbers = "555-0100"


def _private(file: Dataset) -> None:
    block = file.private_block(0x0011, "INVENTED DEVICE", create=True)
    block.add_new(0x01, "LO", "Example, Hannah")


def _nested(file: Dataset) -> None:
    request = Dataset()
    request.ScheduledProcedureStepDescription = "Thorax"
    request.RequestingPhysician = "Muster^Erika"
    file.RequestAttributesSequence = [request]


def _meta(file: Dataset) -> None:
    file.file_meta.SourceApplicationEntityTitle = "INVENTED_WARD"
    file.PatientIdentityRemoved = "NO"


_LEAKS: dict[str, Callable[[Dataset], None]] = {
    "xr-0001.dcm": _name,
    "xr-0002.dcm": _place,
    "xr-0003.dcm": _private,
    "xr-0004.dcm": _nested,
    "xr-0005.dcm": _meta,
    "Example_Hannah.dcm": _name,
}
