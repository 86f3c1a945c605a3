"""Holding a refusal against its reason, so that a test says which rule fired."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from privxray.errors import PrivxrayError


@contextmanager
def refused(kind: type[PrivxrayError], reason: str) -> Iterator[pytest.ExceptionInfo[PrivxrayError]]:
    """The block ends in an error of exactly this class, for this reason."""
    with pytest.raises(kind) as caught:
        yield caught
    assert (type(caught.value), caught.value.reason) == (kind, reason), caught.value
