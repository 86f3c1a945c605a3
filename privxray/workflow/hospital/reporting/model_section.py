"""The part of a training's report that is about the global model. Tested in tests/cli/test_report.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from privxray.evaluation import words
from privxray.evaluation.curves import GRID, RocCurve, confusion, roc_curves, telling_images
from privxray.reports.charts import Words, calibration_chart, roc_chart
from privxray.reports.region_pictures import radiograph_url, region_url, strongest_place
from privxray.reports.training_page import Chart, ModelSection, TellingImage
from privxray.workflow.hospital.reporting import score_rows
from privxray.workflow.hospital.reporting.class_regions import ClassRegions, class_regions

if TYPE_CHECKING:
    from privxray.imaging.data_set.dataset import Dataset
    from privxray.workflow.hospital.using_model.evaluate import Scored

SHOWN = 3
"""Radiographs of each kind."""

KINDS = {
    "right": "Most confidently right",
    "wrong": "Most confidently wrong",
    "uncertain": "Least certain",
}


def model_section(scored: Scored, dataset: Dataset) -> ModelSection:
    """What the page says of a model.

    :param dataset: that the images lie in.
    """
    scores = scored.scores
    columns, metrics = score_rows.metric_rows(scores)
    images, maps = _images(scored, dataset)
    return ModelSection(
        says=[*scores.alarms, *scores.says()],
        columns=columns,
        metrics=metrics,
        counts=score_rows.count_rows(scores),
        roc=[_roc(number, curve) for number, curve in enumerate(roc_curves(scored.predictions))],
        confusion_columns=["in truth", *(f"taken for {one}" for one in scored.model.classes)],
        confusion=list(_confusion(scored)),
        calibration=_calibration(scored),
        reliability=score_rows.reliability_rows(scores),
        pneumonia=score_rows.pneumonia_rows(scores),
        images=images,
        maps=maps,
        caveats=scores.caveats(),
    )


def _roc(number: int, curve: RocCurve) -> Chart:
    says = f"{curve.label} against the rest: AUC {words.shown(curve.area)}"
    points = list(zip(GRID.tolist(), curve.true_rates.tolist(), strict=True))
    band: list[tuple[float, float]] = []
    if curve.low is not None and curve.high is not None:
        band = list(zip(GRID.tolist(), curve.high.tolist(), strict=True))
        band += list(zip(GRID.tolist(), curve.low.tolist(), strict=True))[::-1]
    axes = ("false positive rate", "true positive rate")
    return Chart(roc_chart(Words(f"roc-{number}", f"ROC of {curve.label}", says, *axes), points, band), says)


def _confusion(scored: Scored) -> Iterator[list[str]]:
    for label, row in zip(scored.model.classes, confusion(scored.predictions), strict=True):
        yield [label, *map(str, row)]


def _calibration(scored: Scored) -> Chart:
    found = scored.scores.evaluation
    bins = [
        (one.said, one.right, one.images)
        for one in found.reliability
        if one.said is not None and one.right is not None
    ]
    says = (
        "How often the model is right, over the probability that it gives its most probable class; on the "
        f"dotted line it is right as often as it says. Expected calibration error: "
        f"{words.shown(found.calibration_error)}"
    )
    axes = ("said", "right")
    return Chart(calibration_chart(Words("reliability", "Calibration", says, *axes), bins), says)


def _images(scored: Scored, dataset: Dataset) -> tuple[list[tuple[str, Sequence[TellingImage]]], str]:
    found = telling_images(scored.predictions, SHOWN)
    places = [place for chosen in found.values() for place in chosen]
    pixels = np.stack([dataset.pixels(scored.seen.contents[place]) for place in places])
    likeliest = scored.predictions.probabilities[places].argmax(axis=1).tolist()
    regions = class_regions(scored.model, pixels, scored.seen.data.inputs[places], likeliest)
    shown = iter(
        [_image(scored, place, number, pixels[number], regions) for number, place in enumerate(places)]
    )
    return [(KINDS[kind], [next(shown) for _ in chosen]) for kind, chosen in found.items()], regions.how


def _image(
    scored: Scored,
    place: int,
    number: int,
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    regions: ClassRegions,
) -> TellingImage:
    classes, probabilities = scored.model.classes, scored.predictions.probabilities[place]
    likeliest = int(probabilities.argmax())
    each = ", ".join(f"{one} {value:.2f}" for one, value in zip(classes, probabilities, strict=True))
    truth = classes[scored.predictions.labels[place]]
    said = f"labelled {truth}, taken for {classes[likeliest]} ({each})"
    field = None if regions.fields is None else regions.fields[number]
    if field is None or not (field > 0).any():
        return TellingImage(radiograph_url(pixels), "", said, "")
    where = f"What spoke for {classes[likeliest]} lies mostly {strongest_place(field)}"
    return TellingImage(radiograph_url(pixels), region_url(pixels, field), said, where)
