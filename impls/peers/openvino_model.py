"""OpenVINO: a model of one convolution, compiled for the CPU."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.output import output_buffer
from impls.peers.extras import not_installed
from impls.peers.threads import environment_variable, thread_count

__all__ = ["CONVOLUTION"]


def _available(case: ConvCase) -> Availability:
    reason = not_installed("OpenVINO", "openvino", "openvino")
    if not reason and case.dtype != "float32":
        reason = f"OpenVINO computes {case.dtype} convolutions in float32 on the CPU; use float32"
    return Availability.no(reason) if reason else AVAILABLE


def _openvino() -> Any:
    """Import OpenVINO without its telemetry, which would start a process and send; in CI it holds that back."""
    with environment_variable("CI", "true"):
        import openvino

    return openvino


def _model(case: ConvCase, weight: Any, bias: Any) -> Any:
    openvino = _openvino()
    opset8 = openvino.opset8
    padding = [case.padding_height, case.padding_width]
    image = opset8.parameter(list(case.image_shape), np.dtype(case.dtype))
    geometry = (
        [case.stride_height, case.stride_width],
        padding,
        padding,
        [case.dilation_height, case.dilation_width],
    )
    if case.groups == 1:
        output = opset8.convolution(image, opset8.constant(weight), *geometry)
    else:
        grouped = weight.reshape(case.groups, -1, *case.weight_shape[1:])
        output = opset8.group_convolution(image, opset8.constant(grouped), *geometry)
    if bias is not None:
        output = opset8.add(output, opset8.constant(bias.reshape(1, -1, 1, 1)))
    return openvino.Model([output], [image], "convolution")


def _prepare(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Compile the model for one request at a time; with `reuse`, the output is the request's own memory."""
    properties = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": thread_count(),
        "INFERENCE_PRECISION_HINT": "f32",  # on processors with bfloat16 it would compute in that
        "ENABLE_CPU_PINNING": False,  # which processors a worker runs on is for what measures it to say
    }
    compiled = _openvino().Core().compile_model(_model(case, weight, bias), "CPU", properties)
    infer, given = compiled.create_infer_request().infer, [image]

    def call() -> Any:
        return infer(given, share_inputs=True, share_outputs=reuse)[0]

    return call


CONVOLUTION = Implementation(
    name="openvino.convolution",
    family="library",
    arrays="numpy",
    summary="OpenVINO: a model of one convolution, compiled for the CPU",
    prepare=_prepare,
    available=_available,
    switches=(output_buffer(partial(_prepare, reuse=True)),),
    primary=False,
)
