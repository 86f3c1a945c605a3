"""A name in opaque bytes is found however it is written, and noise is not taken for one."""

from __future__ import annotations

import random

import pytest

from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.values.printable import folded

ACCENTED = LeakSearch([("name", "Müßig-Ørsted^Zoë"), ("id", "MRN-881234"), ("date", "19520130")])
POLISH = LeakSearch([("name", "Łukasz^Wiśniewska")])
PLAIN = LeakSearch([("name", "Zwiebelmann^Anna")])
NOISE = random.Random(1).randbytes(4096)


@pytest.mark.parametrize("around", [b"", b"\0\1", b"\x9f\xb7", b"\2" + NOISE + b"\2"], ids=len)
@pytest.mark.parametrize(
    ("leaks", "text", "encodings"),
    [
        (ACCENTED, "ØRSTED", "latin-1 utf-8 utf-16-le utf-16-be"),
        (ACCENTED, "an müssig, zoe", "latin-1 utf-8 utf-16-le utf-16-be"),
        (ACCENTED, "MÜßIG", "latin-1 utf-16-le utf-16-be"),
        (ACCENTED, "xx mrn 88 1234 xx", "ascii utf-16-le utf-16-be"),
        (ACCENTED, "xx 30.01.1952 xx", "ascii utf-16-le utf-16-be"),
        (POLISH, "wiśniewska", "utf-8"),
        (POLISH, "łukasz", "utf-8"),
        (PLAIN, "ZWIEBELMANN", "ascii utf-16-le utf-16-be"),
    ],
)
def test_a_value_is_found(leaks: LeakSearch, text: str, encodings: str, around: bytes) -> None:
    for encoding in encodings.split():
        data = around + text.encode(encoding) + around
        assert leaks.in_bytes(data, 0, len(data)), encoding


@pytest.mark.parametrize("leaks", [ACCENTED, POLISH, PLAIN])
def test_noise_and_other_text_is_not(leaks: LeakSearch) -> None:
    data = random.Random(2).randbytes(1 << 20)
    assert not leaks.in_bytes(data, 0, len(data))
    for text in ("ukasz", "miner", "orste", "annas", "881234500", "1952013"):
        assert not leaks.in_bytes(text.encode(), 0, len(text))
        assert not leaks.in_bytes(text.encode("utf-16-le"), 0, 2 * len(text))


def test_a_value_across_two_blocks_is_found() -> None:
    data = bytes((1 << 20) - 4) + b"Zwiebelmann"
    assert PLAIN.in_bytes(data, 0, len(data))


def test_a_text_that_was_passed_is_looked_at_again_when_more_is_searched_for() -> None:
    leaks = LeakSearch([("name", "Zwiebelmann^Anna")])
    assert not leaks.in_value(b"with Rettich there", "ascii")
    leaks.add("name", "Rettich^Otto")
    assert leaks.in_value(b"with Rettich there", "ascii")


def test_folding() -> None:
    assert folded("ÄÖÜß Éàñ Ⅷ ﬁ") == "aouss ean viii fi"
