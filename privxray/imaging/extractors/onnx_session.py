"""An ONNX graph that is ready to run, by onnxruntime, from bytes that were checked.

Tested in tests/unit/test_imaging_features.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.system.limits import processors

if TYPE_CHECKING:
    import onnxruntime

SILENT = 4
"""The runtime's own lines could name files; what goes wrong is said by an error of ours."""


_GPU = "CUDAExecutionProvider"


def has_gpu() -> bool:
    """Whether this onnxruntime is the one that can use a GPU (the package ``onnxruntime-gpu``)."""
    import onnxruntime

    return _GPU in onnxruntime.get_available_providers()


def open_session(data: bytes, *, gpu: bool = False) -> onnxruntime.InferenceSession:
    """A session, on as many processors as the process may use. It opens no file and no connection.

    :param data: a whole ONNX model.
    :param gpu: what the GPU can compute is computed there.
    :raises ImportError: onnxruntime is not installed, or can't run on this system.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = processors()
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    providers = [*([_GPU] if gpu else []), "CPUExecutionProvider"]
    return onnxruntime.InferenceSession(data, options, providers=providers)
