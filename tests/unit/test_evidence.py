"""Where a class was seen: the linear probe's map adds up to the score, dp-sgd's follows gradients."""

from __future__ import annotations

import numpy as np
import pytest

from privxray.imaging.extractors.region_maps import maps_parts, pooled_parts
from privxray.imaging.features import MAPS, POOLED, Extractor
from privxray.learning import methods
from privxray.learning.constants import DpSgdConstants, LinearProbeConstants
from privxray.learning.dp_sgd import evidence as by_gradients
from privxray.learning.dp_sgd.networks import initial_weights
from privxray.learning.linear_probe.evidence import evidence, score_constant

CLASSES = ("normal", "bacteria", "virus")
RANDOM = np.random.default_rng(7)
IMAGES = RANDOM.integers(0, 256, (2, 260, 260)).astype(np.uint8)


@pytest.mark.parametrize("name", [MAPS, POOLED])
@pytest.mark.parametrize("radius", [0.14, 3.0])  # where the centred row is cut to length 1, and where not
def test_the_map_of_the_linear_probe_adds_up_to_the_score(name: str, radius: float) -> None:
    rows = Extractor(name)(IMAGES)
    dim = rows.shape[1]
    method = methods.get("linear-probe")
    constants = method.constants({"feature_dim": dim, "feature_radius": radius, "centre": "shrunk"})
    assert isinstance(constants, LinearProbeConstants)
    model = {
        "weights": RANDOM.normal(0, 1, (3, dim + 1)),
        "centre": RANDOM.normal(0, 0.02, dim),
        "shares": np.array([0.5, 0.3, 0.2]),
    }
    logits = np.log(method.probabilities(model, rows, constants, CLASSES))
    maps = {MAPS: maps_parts, POOLED: pooled_parts}[name](IMAGES)
    for parts, one in zip(maps, logits, strict=True):
        for chosen in range(3):
            field = evidence(model, constants, [(p.maps, p.inside) for p in parts], chosen)
            score = one[chosen] - one.mean()
            assert field.sum() + score_constant(model, constants, chosen) == pytest.approx(score, abs=2e-4)


def test_what_counts_in_one_corner_is_seen_in_that_corner() -> None:
    maps = np.full((2, 6, 6), 1.0)
    maps[0, 0, 0] = 40.0
    everywhere = np.ones((6, 6), bool)
    constants = LinearProbeConstants(feature_dim=2, feature_radius=3.0)
    model = {
        "weights": np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]),
        "centre": np.zeros(2),
        "shares": np.array([0.5, 0.5]),
    }
    field = evidence(model, constants, [(maps, everywhere)], 0)
    assert np.unravel_index(field.argmax(), field.shape) == (0, 0)
    assert (evidence(model, constants, [(maps, everywhere)], 1) == -field).all()


def test_the_two_engines_see_the_same_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: object) -> None:
        raise ImportError

    by_onnx = maps_parts(IMAGES[:1])
    monkeypatch.setattr("privxray.imaging.extractors.region_maps._by_onnxruntime", absent)
    by_torch = maps_parts(IMAGES[:1])
    for one, other in zip(by_onnx[0], by_torch[0], strict=True):
        np.testing.assert_allclose(one.maps, other.maps, atol=1e-3)
        assert (one.inside == other.inside).all()


def _weights(network: str) -> dict[str, np.ndarray]:
    weights = initial_weights(network, 3)
    head = [key for key in weights if key.startswith("head") and key.endswith("weight")]
    for key in head:
        weights[key] = RANDOM.normal(0, 0.1, weights[key].shape).astype(np.float32)
    return weights


def test_gradients_on_maps_turn_the_mirror_image_back() -> None:
    constants = DpSgdConstants(network="lite2-head")
    maps = RANDOM.normal(0, 1, (120, 4, 4)).astype(np.float32)
    row = np.stack([maps, maps[:, :, ::-1]]).reshape(-1)
    model = _weights("lite2-head")
    field = by_gradients.evidence(model, constants, row, 1, 3)
    swapped = np.stack([maps[:, :, ::-1], maps]).reshape(-1)
    np.testing.assert_allclose(
        by_gradients.evidence(model, constants, swapped, 1, 3), field[:, ::-1], atol=1e-5
    )


def test_gradients_on_pixels_lie_where_the_network_looks() -> None:
    constants = DpSgdConstants(network="small-cnn", image_size=64)
    image = RANDOM.integers(0, 256, (64, 64)).astype(np.uint8)
    field = by_gradients.evidence(_weights("small-cnn"), constants, image, 0, 3)
    assert field.shape == (16, 16)
    assert (field >= 0).all()
    assert field.any()
