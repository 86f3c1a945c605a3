"""Which rule refuses: errors by their reason, and files as their signers could have made them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from privxray.errors import PrivxrayError
from privxray.explanations.catalogue import reasons
from privxray.formats import canonical
from privxray.formats.container import MAGIC, payload_type, pre_authentication, split
from privxray.keys.identity import Identity

Change = Callable[[dict[str, Any]], object]
"""Alters a header, as JSON, in place."""


@contextmanager
def refused(reason: str) -> Iterator[pytest.ExceptionInfo[PrivxrayError]]:
    """The block ends with the refusal that has this reason, by an error of the exit code that is listed."""
    with pytest.raises(PrivxrayError) as told:
        yield told
    assert told.value.reason == reason, f"{told.value.reason}: {told.value}"
    assert told.value.exit_code == reasons()[reason].exit_code


def reason_of(act: Callable[[], object]) -> str | None:
    """The reason of the refusal that ends an act; None if nothing does."""
    try:
        act()
    except PrivxrayError as error:
        return error.reason
    return None


def framed(envelope: object, version: int = 1) -> bytes:
    """Preamble and envelope, whatever stands in it."""
    raw = canonical.encode(envelope)
    return MAGIC + bytes([version]) + len(raw).to_bytes(4, "big") + raw


def signed(kind: str, payload: bytes, signer: Identity, key_id: str | None = None, format_: int = 1) -> bytes:
    """An envelope over any bytes, as its signer may make it.

    :param key_id: what it says of its signer, by default the truth.
    """
    type_ = payload_type(kind, format_)
    signature = signer.signing.sign(pre_authentication(type_, payload))
    return framed(
        {
            "payload": canonical.to_base64(payload),
            "payloadType": type_,
            "signatures": [
                {"keyid": key_id or signer.public().fingerprint, "sig": canonical.to_base64(signature)}
            ],
        },
        format_,
    )


def changed(data: bytes, change: Change, signer: Identity) -> bytes:
    """A file whose header was altered and signed anew; its key id and its body stay."""
    envelope = split(data)
    header = json.loads(envelope.payload)
    change(header)
    payload = canonical.encode(header)
    start = signed(envelope.kind, payload, signer, envelope.key_id, envelope.form.format)
    return start + data[envelope.length :]


def put(*path: str | int, value: Any) -> Change:
    """Another value in the place of one that is there."""

    def change(header: Any) -> None:
        for part in path[:-1]:
            header = header[part]
        assert path[-1] in header or isinstance(header, list)
        header[path[-1]] = value

    return change
