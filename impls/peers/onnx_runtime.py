"""ONNX Runtime: a model of one Conv node, whose weight is a constant as in a model that is deployed."""

from __future__ import annotations

from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.output import output_buffer
from impls.peers.extras import not_installed
from impls.peers.threads import thread_count

__all__ = ["CONV"]

# Conv is as it is here since operator set 11, and every runtime since 2020 reads this version of the format.
_OPERATOR_SET, _FORMAT = 11, 7


def _available(case: ConvCase) -> Availability:
    reason = not_installed("ONNX Runtime", "onnxruntime", "onnxruntime", "onnx")
    if not reason and case.dtype != "float32":
        reason = f"ONNX Runtime's Conv has no kernel for {case.dtype} on the CPU; use float32"
    return Availability.no(reason) if reason else AVAILABLE


def _model(case: ConvCase, weight: Any, bias: Any) -> bytes:
    from onnx import helper, numpy_helper

    vertical, horizontal = case.padding_height, case.padding_width
    constants = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    node = helper.make_node(
        "Conv",
        ["image", *constants],
        ["output"],
        strides=[case.stride_height, case.stride_width],
        pads=[vertical, horizontal, vertical, horizontal],
        dilations=[case.dilation_height, case.dilation_width],
        group=case.groups,
    )
    element = helper.np_dtype_to_tensor_dtype(np.dtype(case.dtype))
    graph = helper.make_graph(
        [node],
        "convolution",
        [helper.make_tensor_value_info("image", element, case.image_shape)],
        [helper.make_tensor_value_info("output", element, case.output_shape)],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()],
    )
    imports = [helper.make_opsetid("", _OPERATOR_SET)]
    encoded: bytes = helper.make_model(graph, opset_imports=imports, ir_version=_FORMAT).SerializeToString()
    return encoded


def _session(case: ConvCase, weight: Any, bias: Any) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = thread_count()
    options.inter_op_num_threads = 1  # there is one node
    return onnxruntime.InferenceSession(_model(case, weight, bias), options, providers=["CPUExecutionProvider"])


def _prepare(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Build and load the model; the call runs it on the array."""
    session, given = _session(case, weight, bias), {"image": image}

    def call() -> Any:
        return session.run(None, given)[0]

    return call


def _prepare_bound(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Do the same with the arrays bound beforehand (IO binding), the output's too."""
    session = _session(case, weight, bias)
    output: Any = np.empty(case.output_shape, case.dtype)
    binding = session.io_binding()
    binding.bind_cpu_input("image", image)
    binding.bind_output("output", "cpu", 0, output.dtype.type, output.shape, output.ctypes.data)

    def call() -> Any:
        session.run_with_iobinding(binding)
        return output

    return call


CONV = Implementation(
    name="onnxruntime.conv",
    family="library",
    arrays="numpy",
    summary="ONNX Runtime: a model of one Conv node on the CPU",
    prepare=_prepare,
    available=_available,
    switches=(output_buffer(_prepare_bound),),
    primary=False,
)
