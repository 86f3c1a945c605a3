"""Words that are looked for in pixels: which are rare enough, and in which ways of writing they are found."""

from __future__ import annotations

import random

import pytest

from privxray.deid.values.long_words import LongWords, rarity, swapped

NAME = "zwiebelmann"


@pytest.mark.parametrize(
    ("words", "searched"),
    [
        ([NAME], True),
        (["zwiebelm"], True),  # 26^8 = 2e11
        (["zwiebel"], False),
        (["1234567890"], True),
        (["123456789"], False),
        (["mrn88123456"], True),
        (["müllerößkystein"], False),
        ([NAME, *(f"x{n}" for n in range(99_999))], True),
        (["zwiebelm", *(f"x{n}" for n in range(99))], False),
        ([], False),
    ],
)
def test_a_word_must_be_rare_and_rarer_among_many(words: list[str], searched: bool) -> None:
    assert bool(LongWords(words)) == searched


def test_rarity_is_in_powers_of_ten() -> None:
    assert rarity("12345") == 5
    assert 10 ** rarity("abcdef") == pytest.approx(26**6)


@pytest.mark.parametrize("offset", [0, 1, (1 << 20) - 6, (1 << 20) + 1])
@pytest.mark.parametrize(
    "written",
    [
        b"ZwiebelMann",
        b"\x0bZWIEBELMANN7",
        b"xZwiebelmannAnna",
        "Zwiebelmann".encode("utf-16-le"),
        "Zwiebelmann".encode("utf-16-be"),
    ],
)
@pytest.mark.parametrize("others", [0, 99])  # few words are looked for one by one, many in another way
def test_it_is_found_wherever_it_stands(offset: int, written: bytes, others: int) -> None:
    noise = bytearray(random.Random(7).randbytes((1 << 20) + 4096))
    data = bytes(noise)
    search = LongWords([NAME, *(f"{n:03}waldmeister" for n in range(others))])
    assert not search.found(data, 0, len(data))
    noise[offset : offset + len(written)] = written
    data = bytes(noise)
    assert search.found(data, 0, len(data))
    assert not search.found(data, offset + len(written), len(data))
    if offset % 2 == 0:
        turned = swapped(data, 2)
        assert search.found(turned, 0, len(turned))


def test_bytes_of_words_are_turned() -> None:
    assert swapped(b"abcdefg", 2) == b"badcfeg"
    assert swapped(b"abcdefg", 4) == b"dcbaefg"
    assert swapped(swapped(b"0123456789abcdef", 8), 8) == b"0123456789abcdef"
