"""Whether a CUDA device is there to compute on, asked late and answered with what is missing."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

from impls.contract import AVAILABLE, Availability

__all__ = ["cuda_device"]

_REMEDY = "run on a machine with an NVIDIA GPU"


def cuda_device() -> Availability:
    """Say whether torch has a CUDA device here; imports torch, and asks the driver without making a context."""
    if find_spec("torch") is None:
        return Availability.no("torch is not installed: pip install torch")
    import torch

    version = f"torch {torch.__version__}"
    if torch.version.hip is not None:
        return Availability.no(f"no CUDA device: {version} is a ROCm build, whose devices are not CUDA's; {_REMEDY}")
    if torch.version.cuda is None:
        return Availability.no(
            f"no CUDA device: {version} is not a CUDA build; install one (pytorch.org/get-started) and {_REMEDY}"
        )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")  # a driver that fails is a warning, and no device
        found = torch.cuda.is_available()
    if found:
        return AVAILABLE
    said = f" ({' '.join(str(told[0].message).split())})" if told else ""
    return Availability.no(f"no CUDA device: {version} finds none{said}; {_REMEDY}, or mend its driver")
