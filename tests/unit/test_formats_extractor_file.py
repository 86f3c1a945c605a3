"""How headers name a feature extractor out of a file, and the limits of its terms."""

from __future__ import annotations

from typing import Any

import pytest
from forged_files import refused
from pydantic import ValidationError

from privxray.formats.extractor_file import ExtractorFile, named_extractor

GOOD: dict[str, Any] = {
    "sha256": "ab" * 32,
    "input": [224, 224],
    "channels": 3,
    "scale": 1 / 255,
    "offset": -0.5,
    "outputs": [{"name": "pooled", "pool": "none"}, {"name": "map", "pool": "mean"}],
    "dim": 1280,
}
FILE = ExtractorFile.model_validate(GOOD)


def test_an_extractor_out_of_a_file_has_the_digest_in_its_name() -> None:
    assert named_extractor("file:" + "ab" * 32, FILE) == FILE
    assert named_extractor("efficientnet-lite2", None) == "efficientnet-lite2"
    assert named_extractor(None, None) is None  # pixels go in


@pytest.mark.parametrize(
    ("name", "file"),
    [(None, FILE), ("efficientnet-lite2", FILE), ("file:" + "cd" * 32, FILE), ("file:" + "ab" * 32, None)],
    ids=["no name", "a built-in one", "another file", "no file"],
)
def test_a_header_names_one_extractor(name: str | None, file: ExtractorFile | None) -> None:
    with refused("extractor.named-twice"):
        named_extractor(name, file)


LIMITS: dict[str, tuple[Any, Any]] = {
    "the smallest side": ({"input": [16, 16]}, {"input": [15, 15]}),
    "the largest side": ({"input": [1024, 1024]}, {"input": [1025, 1025]}),
    "a square": ({"input": [224, 224]}, {"input": [224, 225]}),
    "one channel": ({"channels": 1}, {"channels": 2}),
    "three channels": ({"channels": 3}, {"channels": 4}),
    "the lowest scale": ({"scale": -1e6}, {"scale": -1e6 - 0.5}),
    "the highest offset": ({"offset": 1e6}, {"offset": 1e6 + 0.5}),
    "finite": ({"offset": 0.0}, {"offset": float("nan")}),
    "one number": ({"dim": 1}, {"dim": 0}),
    "the most numbers": ({"dim": 65_536}, {"dim": 65_537}),
    "an output": ({"outputs": GOOD["outputs"][:1]}, {"outputs": []}),
    "sixteen outputs": ({"outputs": GOOD["outputs"] * 8}, {"outputs": (GOOD["outputs"] * 9)[:17]}),
}


@pytest.mark.parametrize("what", LIMITS)
def test_the_limits_of_the_terms(what: str) -> None:
    good, bad = LIMITS[what]
    assert ExtractorFile.model_validate(GOOD | good)
    with pytest.raises(ValidationError):
        ExtractorFile.model_validate(GOOD | bad)


def test_people_are_told_of_it_in_one_line() -> None:
    assert FILE.label == (
        f"the file with SHA-256 {'ab' * 32}: images of 3 x 224 x 224, black -0.5 and white 0.5; 1280 numbers "
        "from pooled (as it is), map (means)"
    )
