"""Charts as SVG: well formed, escaped, each with a text; and pictures with warm regions."""

from __future__ import annotations

import base64
import io
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from privxray.reports.charts import Axis, Box, Words, calibration_chart, chain, gauge, roc_chart, steps_chart
from privxray.reports.region_pictures import radiograph_url, region_url, strongest_place

WORDS = Words("one", "A <title>", "It says & shows", "across", "up")


def texts(svg: str) -> list[str]:
    return [
        "".join(node.itertext())
        for node in ElementTree.fromstring(svg).iter()
        if node.tag in ("title", "desc", "text")
    ]


def test_every_chart_is_well_formed_and_says_what_it_shows() -> None:
    for made in (
        roc_chart(WORDS, [(0, 0), (0.2, 0.9), (1, 1)], [(0, 0), (1, 1), (0, 0.5)]),
        calibration_chart(WORDS, [(0.5, 0.6, 3), (0.9, 0.7, 12)]),
        steps_chart(
            WORDS, [(2.0, 1.5), (4.0, 3.0)], 10.0, Axis(1, 5, [(2, "2026-01-01"), (4, "2026-03-01")])
        ),
        gauge(WORDS, 3.0, 10.0),
        chain(WORDS, [Box(["plan <1>"]), Box(["model", "of round 1"], dashed=True)]),
    ):
        assert texts(str(made))[:2] == ["A <title>", "It says & shows"]
        assert 'aria-labelledby="one-title one-says"' in made


def test_a_gauge_is_filled_as_far_as_it_is_spent_and_no_further() -> None:
    def width(spent: float) -> float:
        svg = ElementTree.fromstring(str(gauge(WORDS, spent, 10.0)))
        return float(next(node for node in svg if node.get("class") == "full").get("width") or 0)

    assert width(0) == 0
    assert width(5) == 179
    assert width(30) == 358


def opened(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB"), float)


def test_the_region_is_warm_where_the_field_is_positive() -> None:
    grey = np.full((260, 260), 90, np.uint8)
    field = np.full((4, 4), -1.0)
    field[0, 3] = 2.0
    made = opened(region_url(grey, field))
    assert made[20, 240, 0] - made[20, 240, 2] > 60
    assert abs(made[240, 20, 0] - made[240, 20, 2]) < 8
    assert opened(radiograph_url(grey)).std() < 3
    assert strongest_place(field) == "in the upper right of the picture"
    assert strongest_place(np.eye(1)) == "in the upper left of the picture"
    middle = np.zeros((6, 6))
    middle[2:4, 2:4] = 1
    assert strongest_place(middle) == "in the middle of the picture"
