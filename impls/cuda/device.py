"""Whether a CUDA device is there to compute on, asked late and answered with what is missing."""

from __future__ import annotations

import runpy
import warnings
from importlib.util import find_spec
from pathlib import Path

from impls.contract import AVAILABLE, Availability
from impls.installed import loaded_torch

__all__ = ["cuda_device"]

_REMEDY = "run on a machine with an NVIDIA GPU"


def cuda_device() -> Availability:
    """Say whether torch has a CUDA device here; imports only a CUDA build, which asks the driver without a context."""
    if find_spec("torch") is None:
        return Availability.no("torch is not installed: pip install torch")
    number, cuda, hip = _build()
    version = f"torch {number}"
    if hip is not None:
        return Availability.no(f"no CUDA device: {version} is a ROCm build, whose devices are not CUDA's; {_REMEDY}")
    if cuda is None:
        return Availability.no(
            f"no CUDA device: {version} is not a CUDA build; install one (pytorch.org/get-started) and {_REMEDY}"
        )
    import torch

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")  # a driver that fails is a warning, and no device
        found = torch.cuda.is_available()
    if found:
        return AVAILABLE
    said = f" ({' '.join(str(told[0].message).split())})" if told else ""
    return Availability.no(f"no CUDA device: {version} finds none{said}; {_REMEDY}, or mend its driver")


def _build() -> tuple[str, str | None, str | None]:
    """Give torch's version and the versions of CUDA and HIP it is built for, without importing it for that alone."""
    torch = loaded_torch()
    if torch is not None:
        return str(torch.__version__), torch.version.cuda, torch.version.hip
    spec = find_spec("torch")
    said = {} if spec is None or spec.origin is None else runpy.run_path(str(Path(spec.origin).with_name("version.py")))
    return said.get("__version__", "of unknown version"), said.get("cuda"), said.get("hip")
