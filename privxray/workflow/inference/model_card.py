"""What is written beside a model that leaves as ONNX: its card, and the other files of a MONAI bundle.

Both say only what the model's signed header says, so anybody may see them. They hold no date of their own:
the same model gives the same bytes.

Tested in tests/cli/test_model_export.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from privxray.formats.extractor_file import ExtractorFile
from privxray.version import __version__
from privxray.workflow.inference.global_model import GlobalModel

_SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20220324.json"
)

_CARD = """# {study}, round {round}: {classes}

A classifier of chest X-rays that several hospitals trained together with differential privacy. **A research
model: its probabilities are no diagnoses.**

| | |
| --- | --- |
| classes | {classes} |
| model | SHA-256 {digest} |
| signed by its coordinator | {created} |
| method | linear probe on frozen features: {extractor} |
| privacy | epsilon {epsilon:g} at delta {delta:g} for each patient, with or without that patient |
| written by | {software} |

## Input and output

`image`: uint8, 1 x 1 x {side} x {side}, one image a call. It is the grey picture as a viewer shows it, with 0
black and 255 white: for DICOM after the VOI window and the presentation LUT, MONOCHROME1 inverted; without a
window from its darkest to its brightest pixel. The whole picture is resized to {side} x {side} with
antialiased bilinear weights, whatever its aspect ratio{twice}.

`probabilities`: float32, 1 x {count}, in the order of the classes above; they sum to 1. They are those of
`privxray predict`.

## What is not known

- How well it does on your patients: measure it first, on images with a diagnosis that you trust.
- For whom it does worse: the hospitals' patients are known to the hospitals alone.
- What the extractor was trained on, and under which licence it may be used: ask whoever made the study.
"""

_TWICE = ", first to 260 x 260 and then to this size"


def model_card(model: GlobalModel, side: int) -> bytes:
    """The card, as Markdown.

    :param side: of the image that the ONNX file takes, in pixels.
    """
    header = model.header
    return _CARD.format(
        study=header.study,
        round=header.round,
        classes=", ".join(header.classes),
        count=len(header.classes),
        digest=model.digest,
        created=header.created,
        extractor=_extractor(model),
        epsilon=header.epsilon,
        delta=header.delta,
        software=f"privxray {__version__}",
        side=side,
        twice="" if side == 260 else _TWICE,
    ).encode()


def bundle_files(model: GlobalModel, side: int, data: bytes, card: bytes) -> Mapping[str, bytes]:
    """The files of a MONAI bundle, by their places in its folder.

    :param data: the ONNX file.
    """
    return {
        "models/model.onnx": data,
        "docs/README.md": card,
        "configs/metadata.json": _json(_metadata(model, side)),
        "configs/inference.json": _json(_inference(model, side)),
    }


def _extractor(model: GlobalModel) -> str:
    named = model.header.features_by
    return named.label if isinstance(named, ExtractorFile) else str(named)


def _metadata(model: GlobalModel, side: int) -> Mapping[str, Any]:
    header = model.header
    classes = dict(enumerate(header.classes))
    return {
        "schema": _SCHEMA,
        "version": "0.1.0",
        "changelog": {"0.1.0": f"model {model.digest[:16]}, round {header.round}"},
        "monai_version": "1.4.0",
        "pytorch_version": "2.4.0",
        "numpy_version": "1.26.4",
        "required_packages_version": {"onnxruntime": "1.20.0", "pillow": "11.0.0"},
        "name": f"{header.study}, round {header.round}",
        "task": "Classification of chest radiographs",
        "description": "A linear probe on frozen features, trained by several hospitals with differential "
        f"privacy: epsilon {header.epsilon:g} at delta {header.delta:g} for each patient.",
        "authors": f"the hospitals of the study {header.study}",
        "copyright": "to be named by the study",
        "data_source": "patients of the study's hospitals; no image left its hospital",
        "data_type": "dicom",
        "image_classes": "one grey channel, 0 is black and 255 is white",
        "label_classes": ", ".join(header.classes),
        "pred_classes": f"{len(classes)} probabilities",
        "eval_metrics": {},
        "intended_use": "Research only; no diagnosis.",
        "references": [],
        "network_data_format": {
            "inputs": {
                "image": {
                    "type": "image",
                    "format": "magnitude",
                    "modality": "CR",
                    "num_channels": 1,
                    "spatial_shape": [side, side],
                    "dtype": "uint8",
                    "value_range": [0, 255],
                    "is_patch_data": False,
                    "channel_def": {"0": "grey"},
                }
            },
            "outputs": {
                "pred": {
                    "type": "probabilities",
                    "format": "classes",
                    "num_channels": len(classes),
                    "spatial_shape": [1],
                    "dtype": "float32",
                    "value_range": [0, 1],
                    "is_patch_data": False,
                    "channel_def": {str(place): name for place, name in classes.items()},
                }
            },
        },
    }


def _inference(model: GlobalModel, side: int) -> Mapping[str, Any]:
    """A configuration for ``python -m monai.bundle run``, for one picture that is grey already."""
    return {
        "imports": ["$import numpy", "$import onnxruntime", "$from PIL import Image"],
        "bundle_root": ".",
        "image_path": "image.png",
        "classes": list(model.header.classes),
        "picture": f"$Image.open(@image_path).convert('F').resize(({side}, {side}), Image.BILINEAR)",
        "image": "$numpy.clip(numpy.rint(numpy.asarray(@picture)), 0, 255).astype(numpy.uint8)[None, None]",
        "session": "$onnxruntime.InferenceSession(@bundle_root + '/models/model.onnx')",
        "pred": "$@session.run(None, {'image': @image})[0][0]",
        "run": ["$print(dict(zip(@classes, @pred.tolist())))"],
    }


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=4).encode() + b"\n"
