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


def open_session(data: bytes, threads: int | None = None) -> onnxruntime.InferenceSession:
    """A session on the processor. It opens no file and no connection.

    :param data: a whole ONNX model.
    :param threads: by default as many as the process may use processors.
    :raises ImportError: onnxruntime is not installed, or can't run on this system.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or processors()
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
