"""The canaries for each training method. Tested in tests/unit/test_audit_one_run.py."""

from __future__ import annotations

from typing import Any, cast

from privxray.audit.canaries import AnyCanaryKind, CanaryKind
from privxray.learning.interface import AnyMethod


def canaries_of(method: AnyMethod) -> AnyCanaryKind:
    """The kind of canaries for a method; what it needs (torch, for dp-sgd) is imported now.

    Give it no constants but those that the method made.
    """
    found: CanaryKind[Any]
    if method.name == "dp-sgd":
        from privxray.audit.sgd_canaries import SgdCanaries

        found = SgdCanaries()
    else:
        from privxray.audit.probe_canaries import ProbeCanaries

        found = ProbeCanaries()
    return cast(AnyCanaryKind, found)
