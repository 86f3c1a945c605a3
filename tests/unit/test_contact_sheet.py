"""The contact sheet: every image, the odd ones first, each reason as text and on hover, and no script."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from privxray.reports.contact_sheet import ODD_SIDE, SIDE, ContactSheet, Thumb, thumb_url

IMAGE = np.random.default_rng(0).integers(0, 256, (260, 260)).astype(np.uint8)


def page(*thumbs: Thumb) -> str:
    return ContactSheet([("Images", "3")], [("tiny", 1)], thumbs).html("1.0", "today")


def test_a_picture_is_small_and_an_odd_one_larger() -> None:
    for odd, side in ((False, SIDE), (True, ODD_SIDE)):
        url = thumb_url(IMAGE, odd=odd)
        kind, _, data = url.partition(",")
        assert kind == "data:image/jpeg;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).size == (side, side)


def test_odd_ones_come_first_by_label_with_box_and_reason() -> None:
    url = thumb_url(IMAGE, odd=False)
    html = page(
        Thumb(url, "im1.png", "virus", "train"),
        Thumb(url, "im2.png", "normal", "val", ["mostly padding", "tiny"], [(0.1, 0.25, 0.9, 0.75)]),
        Thumb(url, "im3.png", "normal", "train"),
    )
    places = [html.index(name) for name in ("im2.png", "im3.png", "im1.png")]
    assert places == sorted(places)
    assert 'title="im2.png: mostly padding; tiny"' in html
    assert '<span class="reason">mostly padding; tiny</span>' in html
    assert "left:10.0%;top:25.0%;width:80.0%;height:50.0%" in html
    assert "stays inside the hospital" in html
    assert html.count("<img ") == html.count('loading="lazy"') == 3
    assert "<script" not in html
    assert not re.search(r"https?://", html)


def test_names_are_escaped() -> None:
    assert "<b>" not in page(Thumb("data:,", "<b>", "<b>", "train", ["<b>"]))


def test_five_thousand_images_are_a_page_of_some_megabytes() -> None:
    """Of a smooth picture, as radiographs are; the drawn ones of this test are."""
    smooth = np.asarray(Image.fromarray(IMAGE[:9, :9]).resize((260, 260), Image.Resampling.BICUBIC))
    one = Thumb(thumb_url(smooth, odd=False), "im00001.png", "normal", "train")
    html = ContactSheet([], [], [one] * 5000).html("1.0", "today")
    assert len(html) < 25e6
