"""JAX: lax.conv_general_dilated, compiled by XLA for the CPU."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.peers.extras import not_installed
from impls.peers.threads import environment_variable, thread_count

__all__ = ["CONV"]


def _available(_case: ConvCase) -> Availability:
    reason = not_installed("JAX", "jax", "jax", "jaxlib")
    return Availability.no(reason) if reason else AVAILABLE


def _convolve(case: ConvCase, image: Any, weight: Any, bias: Any = None) -> Any:
    from jax import lax

    output = lax.conv_general_dilated(
        image,
        weight,
        window_strides=(case.stride_height, case.stride_width),
        padding=((case.padding_height,) * 2, (case.padding_width,) * 2),
        rhs_dilation=(case.dilation_height, case.dilation_width),
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
        feature_group_count=case.groups,
    )
    return output if bias is None else output + bias.reshape(-1, 1, 1)


def _processor() -> Any:
    """Give JAX's CPU device; its client starts with the first question, with as many threads as NPROC says then.

    XLA_FLAGS=--xla_cpu_multi_thread_eigen=false, which is often advised, leaves the threads as they are (jaxlib 0.10).
    """
    import jax

    with environment_variable("NPROC", str(thread_count())):
        return jax.local_devices(backend="cpu")[0]


def _prepare(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Compile for these shapes and put the arrays on the device; the call's result is read where it lies."""
    import jax

    device = _processor()
    with jax.enable_x64(case.dtype == "float64"):  # else JAX makes float32 of it
        given = [jax.device_put(array, device) for array in (image, weight, bias) if array is not None]
        compiled = jax.jit(partial(_convolve, case)).lower(*given).compile()

    def call() -> Any:
        return np.asarray(compiled(*given).block_until_ready())

    return call


CONV = Implementation(
    name="jax.conv",
    family="library",
    arrays="numpy",
    summary="JAX: lax.conv_general_dilated, compiled for the CPU beforehand",
    prepare=_prepare,
    available=_available,
    primary=False,
)
