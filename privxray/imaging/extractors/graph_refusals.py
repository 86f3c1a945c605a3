"""What a person is told where a graph out of a file is not run.

Tested in tests/unit/test_extractor_files.py.
"""

from __future__ import annotations

from typing import Final

from privxray.errors import MalformedError, SystemTroubleError
from privxray.imaging.extractors.graph_process import Feeding, GraphDiedError, GraphProcess, GraphRefusedError

EXPORT_AGAIN = "Export it again; docs/EXTRACTORS.md shows how"
REFUSALS: Final = {
    "extractor.no-onnx": ("this is no ONNX model that the onnx library accepts", EXPORT_AGAIN),
    "extractor.functions": ("the graph defines functions of its own", "Export it with its functions inlined"),
    "extractor.training": ("the graph is in training mode, or may be", "Call .eval() before the export"),
    "extractor.opset": ("the graph's opset is not one from 12 to the newest that onnx knows", EXPORT_AGAIN),
    "extractor.sparse": ("the graph has sparse weights", "Export it with dense weights"),
    "extractor.external-data": (
        "the graph's weights are in another file",
        "Save it as one file: onnx.save(model, FILE, save_as_external_data=False)",
    ),
    "extractor.inputs": ("the graph does not have exactly one input, an image", EXPORT_AGAIN),
    "extractor.input-type": ("the graph's input is neither float32 nor uint8", EXPORT_AGAIN),
    "extractor.input-shape": (
        "the graph's input is not 1 x channels x height x width, with 1 or 3 channels and fixed sides",
        "Export it with an example image of the size that it shall see",
    ),
    "extractor.no-such-layer": (
        "the graph makes no tensor of this name",
        "Leave out --layers to see the outputs; a viewer of ONNX files shows the names of the others",
    ),
    "extractor.layer-twice": ("a layer is named twice", "Name each layer once"),
    "extractor.image-unused": ("what is read of the graph does not depend on the image", "Name other layers"),
    "extractor.too-many-nodes": ("the graph has more than 20,000 operators", "Simplify the graph first"),
    "extractor.other-domain": ("the graph has an operator that is not ONNX's own", EXPORT_AGAIN),
    "extractor.inner-graph": (
        "the graph has an operator with a graph inside",
        "Export the network without branches and loops that depend on the data",
    ),
    "extractor.draws": ("the graph has an operator that draws random numbers", "Export it without"),
    "extractor.parses": ("the graph has an operator on text or on files of images", "Export it without"),
    "extractor.not-loaded": ("onnxruntime can't load the graph in 8 GiB of memory", EXPORT_AGAIN),
    "extractor.not-run": ("onnxruntime can't run the graph on a picture of its input's size", EXPORT_AGAIN),
    "extractor.impossible-numbers": (
        "the graph gives zeros, infinities or NaN for an ordinary picture",
        "Check the range that pixels go in as (--pixels)",
    ),
    "extractor.output-form": (
        "an output is neither a vector nor a map of floats of one image",
        "Name other layers with --layers",
    ),
    "extractor.output-size": ("the outputs have more than 65,536 numbers", "Name fewer layers"),
}  # fmt: skip
"""By reason: what is wrong, and what to do."""


def started(data: bytes, feeding: Feeding) -> GraphProcess:
    """The process of a graph.

    :raises MalformedError: the graph is not run.
    :raises SystemTroubleError: the process ended, or took too long.
    """
    try:
        return GraphProcess(data, feeding)
    except GraphRefusedError as error:
        reason = f"extractor.{error.reason}"
        what, advice = REFUSALS.get(reason, REFUSALS["extractor.not-loaded"])
        named = f"{what} ({error.detail})" if error.detail else what
        known = reason if reason in REFUSALS else "extractor.not-loaded"
        raise MalformedError(named, reason=known, advice=advice) from None
    except GraphDiedError:
        raise SystemTroubleError(
            "the process that ran this graph ended, or took more than five minutes to start",
            reason="extractor.died",
            advice="Close other programs and try again; if that happens again, take another network",
        ) from None
