"""What is seen in pictures: bounds by themselves, and comparisons among fellows."""

from __future__ import annotations

import io

import numpy as np
import pytest
from imaging_samples import dicom, jpeg, picture, png, ramp, written
from PIL import Image

from privxray.imaging.judging import set_of_pictures
from privxray.imaging.judging.header_facts import HeaderFacts, header_facts
from privxray.imaging.judging.one_picture import REFUSED, REMARKS, Judgement, Remark, judge, likeness
from privxray.imaging.judging.set_of_pictures import (
    ALIKE,
    Member,
    alike_pictures,
    other_backgrounds,
    same_pictures,
)

NO_HEADER = HeaderFacts()


def radiograph(seed: int = 0) -> np.ndarray:
    """Smooth grey shapes on a dark ground, uint8 [260, 260]."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(30, 220, (9, 9)).astype(np.uint8))
    inner = np.asarray(coarse.resize((200, 220), Image.Resampling.BICUBIC))
    image = np.full((260, 260), 12, np.uint8)
    image[20:240, 30:230] = inner
    return image


def kinds(image: np.ndarray, header: HeaderFacts = NO_HEADER) -> list[str]:
    return [remark.kind for remark in judge(image, header).remarks]


def test_a_radiograph_has_no_remark() -> None:
    assert kinds(radiograph(), HeaderFacts(2000, 1800)) == []
    assert judge(radiograph(), NO_HEADER).background == 12


@pytest.mark.parametrize(("grey", "kind"), [(0, "empty"), (1, "flat"), (255, "flat")])
def test_one_value_all_over_is_refused(grey: int, kind: str) -> None:
    judgement = judge(np.full((260, 260), grey, np.uint8), NO_HEADER)
    assert judgement.refused == kind
    assert judgement.remarks == (Remark(kind),)


def test_bounds_of_a_single_picture() -> None:
    noise = np.random.default_rng(0).integers(100, 123, (260, 260)).astype(np.uint8)
    assert kinds(noise) == ["nearly-flat"]
    small = np.full((260, 260), 5, np.uint8)
    small[65:195, 52:208] = radiograph()[65:195, 52:208]
    (padding,) = judge(small, NO_HEADER).remarks
    assert padding == Remark("padding", (52 / 260, 65 / 260, 208 / 260, 195 / 260))
    burnt = radiograph()
    burnt[100:200, 100:200] = 255
    (saturated,) = judge(burnt, NO_HEADER).remarks
    assert saturated == Remark("saturated", (100 / 260, 100 / 260, 200 / 260, 200 / 260))


def test_remarks_of_the_header() -> None:
    assert kinds(radiograph(), HeaderFacts(127, 2000)) == ["tiny"]
    assert kinds(radiograph(), HeaderFacts(128, 8000)) == []
    assert kinds(radiograph(), HeaderFacts(2000, 8001)) == ["enormous"]
    assert kinds(radiograph(), HeaderFacts(0, 0, lateral=True, foreign=True)) == ["lateral", "body-part"]


@pytest.mark.parametrize(
    ("view", "part", "lateral", "foreign"),
    [
        ("PA", "CHEST", False, False),
        ("LL", "Thorax", True, False),
        ("lateral", "", True, False),
        ("AP", "SKULL", False, True),
        ("", "CHESTABDPELVIS", False, False),
    ],
)
def test_what_a_dicom_header_says(view: str, part: str, lateral: bool, foreign: bool) -> None:
    data = written(dicom(ramp(32, 40), ViewPosition=view, BodyPartExamined=part))
    assert header_facts(data) == HeaderFacts(32, 40, lateral, foreign)


def test_what_other_headers_say() -> None:
    assert header_facts(png(picture(1)[:20])) == HeaderFacts(20, 24)
    assert header_facts(b"nothing") == HeaderFacts()


def test_a_judgement_goes_through_text_and_back() -> None:
    burnt = radiograph()
    burnt[100:200, 100:200] = 255
    judgement = judge(burnt, HeaderFacts(20, 20))
    text = judgement.to_text()
    assert Judgement.from_text(judgement.likeness, judgement.background, text) == judgement


def bits(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def test_copies_of_another_size_compression_and_contrast_are_alike_and_others_not() -> None:
    image = radiograph(3)
    stream = io.BytesIO(jpeg(np.asarray(Image.fromarray(image).resize((190, 190)))))
    copy = np.asarray(Image.open(stream).resize((260, 260)))
    brighter = np.clip(image.astype(float) * 1.1 + 4, 0, 255).astype(np.uint8)
    assert len(likeness(image)) == 32
    assert bits(likeness(image), likeness(copy)) <= ALIKE
    assert bits(likeness(image), likeness(brighter)) <= ALIKE
    assert bits(likeness(image), likeness(radiograph(4))) > 2 * ALIKE


def member(number: int, **changes: object) -> Member:
    found = {
        "content": b"c%d" % number,
        "picture": b"p%d" % number,
        "patient": b"x%d" % number,
        "split": "train",
        "judgement": Judgement(np.random.default_rng(number).bytes(32), 20, ()),
    }
    return Member(**{**found, **changes})  # type: ignore[arg-type]


def flipped(likeness_: bytes, count: int) -> bytes:
    return (int.from_bytes(likeness_, "big") ^ ((1 << count) - 1)).to_bytes(32, "big")


def test_pairs_of_pictures() -> None:
    base = member(0)
    same = member(1, picture=b"p0", judgement=base.judgement)
    near = member(2, judgement=Judgement(flipped(base.judgement.likeness, ALIKE), 20, ()))
    far = member(3, judgement=Judgement(flipped(base.judgement.likeness, ALIKE + 1), 20, ()))
    members = [base, same, near, far]
    assert list(same_pictures(members)) == [(0, 1)]
    assert list(alike_pictures(members)) == [(0, 2), (1, 2), (2, 3)]
    assert list(alike_pictures([])) == []


def test_pairs_are_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privxray.imaging.judging.set_of_pictures._BLOCK", 2)
    members = [member(number) for number in range(7)]
    members[6] = member(6, judgement=members[1].judgement)
    assert list(alike_pictures(members)) == [(1, 6)]


def test_backgrounds_unlike_most() -> None:
    def of(*greys: int) -> list[Member]:
        return [member(n, judgement=Judgement(bytes(32), grey, ())) for n, grey in enumerate(greys)]

    assert other_backgrounds(of(10, 20, 30, 40, 200)) == [4]
    assert other_backgrounds(of(200, 220, 180, 255, 30)) == [4]
    assert other_backgrounds(of(10, 20, 30, 200, 210)) == []  # no four in five
    assert other_backgrounds(of(10, 20, 30, 200)) == []  # too few to tell
    assert other_backgrounds(of(10, 20, 30, 40, 130)) == []


def test_every_kind_has_words() -> None:
    assert not REFUSED.keys() & REMARKS.keys()


def test_bits_are_counted_alike_by_an_older_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.array([0, 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF, 0xF0F0F0F0F0F0F0F0], np.uint64)
    counts = [0, 1, 1, 64, 32, 32]
    assert set_of_pictures._ones(words).tolist() == counts
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert set_of_pictures._ones(words).tolist() == counts


def test_pixels_beyond_rows_and_columns_are_remarked_on() -> None:
    """Columns that say 39 instead of 40 shear the picture, and nothing else shows it."""
    ds = dicom(ramp())
    assert not header_facts(written(ds)).excess
    ds.Columns = 39
    assert header_facts(written(ds)).excess
    assert kinds(radiograph(), HeaderFacts(32, 39, excess=True)) == ["tiny", "excess"]
    odd = dicom((ramp(5, 7) >> 4).astype(np.uint8), bits=8)  # 35 bytes, and one that makes them even
    odd.PixelData += b"\0"
    assert not header_facts(written(odd)).excess
    assert not header_facts(b"DICM").excess
