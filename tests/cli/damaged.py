"""A file that was damaged on its way, in each of its parts, and the rule that notices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from privxray.formats.container import MAGIC, PREAMBLE


@dataclass(frozen=True)
class Damaged:
    """A damaged file.

    :param code: the exit code of its refusal.
    :param reason: of its refusal.
    :param words: that the refusal says.
    """

    content: bytes
    code: int
    reason: str
    words: str


def damaged(good: bytes) -> Iterator[Damaged]:
    """A file with one bit flipped, with one letter of its signature exchanged, cut short, and too long.

    :param good: a whole file. Where it has a body, that is damaged too.
    """
    version, size = len(MAGIC), len(MAGIC) + 1
    envelope_ends = PREAMBLE + int.from_bytes(good[size:PREAMBLE], "big")
    signature = good.index(b'"sig":"') + len(b'"sig":"')
    has_body = len(good) > envelope_ends

    def flipped(place: int, reason: str, words: str) -> Damaged:
        changed = good[:place] + bytes([good[place] ^ 0x40]) + good[place + 1 :]
        return Damaged(changed, 11, reason, words)

    def cut(place: int, reason: str, words: str) -> Damaged:
        return Damaged(good[:place], 11, reason, words)

    yield flipped(0, "file.not-privxray", "this is not a privxray file")
    yield flipped(version, "file.other-version", f"the file has format version {good[version] ^ 0x40}, this")
    yield flipped(size, "envelope.too-long", "the envelope is longer than any privxray file's")
    yield flipped(PREAMBLE + 7, "envelope.fields", "the envelope is damaged (unexpected fields)")
    yield flipped(envelope_ends - 1, "envelope.not-canonical", "the envelope is damaged (not canonical JSON)")
    other = b"A" if good[signature : signature + 1] != b"A" else b"B"
    changed = good[:signature] + other + good[signature + 1 :]
    yield Damaged(changed, 13, "signature.wrong", "signature")
    yield cut(0, "file.not-privxray", "this is not a privxray file")
    for place in (version, PREAMBLE - 1):
        yield cut(place, "preamble.cut-off", "the file is cut off in its preamble")
    for place in (PREAMBLE, PREAMBLE + 7, envelope_ends - 1):
        yield cut(place, "envelope.cut-off", "the file is cut off in its envelope")
    if has_body:
        middle = (envelope_ends + len(good)) // 2
        for place in (envelope_ends, middle, len(good) - 1):
            yield flipped(place, "body.altered", "the body is damaged (its SHA-256 differs)")
            yield cut(place, "body.cut-off", "the file is cut off in its body")
    yield Damaged(good + b"\0", 11, "body.longer-than-said", "the file is longer than its header says")
