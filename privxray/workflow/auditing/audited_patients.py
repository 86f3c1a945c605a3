"""Whom an audit is about. Tested in tests/cli/test_audit.py."""

from __future__ import annotations

from dataclasses import dataclass

from privxray.audit import synthetic_patients
from privxray.learning.data import TrainingData


@dataclass(frozen=True)
class AuditedPatients:
    """Patients whom an audit costs nothing.

    :ivar data: in the form that the method trains on; None where the audit is to invent them.
    :ivar classes: names of the classes.
    :ivar description: who they are, for reports.
    """

    data: TrainingData | None
    classes: tuple[str, ...]
    description: str


INVENTED = AuditedPatients(None, synthetic_patients.CLASSES, "invented patients")
