"""Attributes that name a patient or an institution. Their values are searched for in the rest of a set.

Tested in tests/unit/test_deid_set.py.
"""

from __future__ import annotations

from typing import Final

from privxray.deid import tags

IDENTIFIERS: Final = frozenset(
    {
        tags.PATIENT_ID,
        tags.ACCESSION_NUMBER,
        tags.OTHER_PATIENT_IDS,
        tags.OTHER_PATIENT_IDS_SEQUENCE,  # the Patient ID in each of its items
        tags.PATIENT_BIRTH_NAME,
        tags.ETHNIC_GROUP,
        tags.STUDY_ID,
        tags.ADMISSION_ID,
        tags.REQUESTED_PROCEDURE_ID,
        tags.PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
        tags.FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
        tags.PATIENT_ADDRESS,
        tags.PATIENT_TELEPHONE_NUMBERS,
        tags.MEDICAL_RECORD_LOCATOR,
        tags.CLINICAL_TRIAL_SUBJECT_ID,
    }
)
"""Attributes that identify a patient, apart from Patient's Name and Patient's Birth Date."""

INSTITUTIONS: Final = frozenset(
    {
        tags.INSTITUTION_NAME,
        tags.INSTITUTION_ADDRESS,
        tags.INSTITUTIONAL_DEPARTMENT_NAME,
        tags.VERIFYING_ORGANIZATION,
        tags.CLINICAL_TRIAL_SITE_NAME,
        tags.CLINICAL_TRIAL_SPONSOR_NAME,
        tags.CLINICAL_TRIAL_COORDINATING_CENTER_NAME,
    }
)
"""Attributes that hold the name of an institution or of a part of one."""
