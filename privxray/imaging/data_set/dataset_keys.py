"""What stands for images and patients in a data set: keyed hashes, so that no name is in it.

Tested in tests/unit/test_imaging_dataset.py.
"""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
import numpy.typing as npt

from privxray.naming.patient_id import PatientId, PatientKey


class DatasetKeys:
    """Makes HMAC-SHA256 values of 32 bytes under a secret of the workspace.

    Without the secret nobody can tell which patient or which file a value stands for, nor whether two
    workspaces have one in common.

    :param secret: 32 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def content(self, data: bytes) -> bytes:
        """What stands for a file's bytes."""
        return self.of("content", hashlib.sha256(data).digest())

    def picture(self, image: npt.NDArray[np.uint8]) -> bytes:
        """What stands for a canonical image, whatever file it came in."""
        return self.of("picture", hashlib.sha256(image.tobytes()).digest())

    def patient(self, patient: PatientId) -> PatientKey:
        """What stands for a patient."""
        return PatientKey(self.of("patient", patient.reveal().encode()))

    def fingerprint(self) -> hmac.HMAC:
        """A hash to which the rows of an index are added."""
        return hmac.new(self._secret, b"privxray/data/fingerprint\0", hashlib.sha256)

    def of(self, purpose: str, value: bytes) -> bytes:
        """What stands for a value of one kind; equal values of two kinds differ."""
        return hmac.new(self._secret, f"privxray/data/{purpose}\0".encode() + value, hashlib.sha256).digest()
