"""The rules for a sealed body of a query or an answer: for its recipient, and of the right length.

How it is sealed and opened is in :mod:`privxray.keys.sealed_body`.

Tested in tests/unit/test_inference_admit.py.
"""

from __future__ import annotations

from privxray.errors import RefusedError
from privxray.formats import stream
from privxray.formats.header import Header, SealedKey

_SAME_VERSION = "Both sides need the same version of privxray"


def expect_sealed(header: Header, length: int) -> None:
    """A body that is sealed to the file's one recipient, and that holds so many bytes.

    :param length: of the body before it was sealed, in bytes.
    :raises RefusedError: it is not encrypted, sealed to somebody else, or of another length.
    """
    if (_sealed_key(header).recipient,) != header.recipients:
        raise RefusedError(
            "its body is sealed to someone other than its recipient",
            reason="sealed-body.other-recipient",
            advice=_SAME_VERSION,
        )
    if header.body.length != stream.sealed_length(length):
        raise RefusedError(
            "its body has not the length that its parameters give for so many images",
            reason="sealed-body.other-length",
            advice=_SAME_VERSION,
        )


def _sealed_key(header: Header) -> SealedKey:
    if header.body.cipher == "none" or header.body.key is None:
        raise RefusedError("its body is not encrypted", reason="sealed-body.plain", advice=_SAME_VERSION)
    return header.body.key
