"""What the compiler makes of the Triton kernel for a GPU that need not be there: registers, stack, shared memory."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from impls.case import ConvCase
from impls.cuda.triton_direct import TILE, Tile, constants, sizes

__all__ = ["Resources", "compiled_for"]

_USAGE = re.compile(r"REG:(\d+) STACK:(\d+) SHARED:(\d+)")
_POINTERS = {"float32": "*fp32", "float64": "*fp64"}


@dataclass(frozen=True)
class Resources:
    """Hold what a kernel takes: registers and bytes of stack (spilled registers) a thread, shared bytes a block."""

    registers: int
    stack_bytes: int
    shared_bytes: int


def compiled_for(case: ConvCase, architecture: int, tile: Tile = TILE) -> Resources:
    """Compile the kernel for an architecture such as 90 (sm_90) and read what its cubin takes; needs Triton, no GPU.

    Sizes are left open, as they are where none is 1 or a multiple of 16, which Triton would compile in.
    """
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from impls.cuda.triton_kernel import convolution

    constant: dict[str, object] = {**constants(case, tile), **({} if case.bias else {"bias": None})}
    pointers = dict.fromkeys(("image", "weight", "bias", "output"), _POINTERS[case.dtype])
    signature = pointers | dict.fromkeys(sizes(case), "i32") | dict.fromkeys(constant, "constexpr")
    compiled = triton.compile(
        ASTSource(convolution, signature=signature, constexprs=constant),
        target=GPUTarget("cuda", architecture, 32),
        options={"num_warps": tile.warps, "enable_fp_fusion": True},
    )
    return _usage(compiled.asm["cubin"], Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump")


def _usage(cubin: bytes, cuobjdump: Path) -> Resources:
    """Ask the tool that Triton brings; raises ValueError where it says something else than expected."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "kernel.cubin")
        file.write_bytes(cubin)
        said = subprocess.run([cuobjdump, "--dump-resource-usage", file], capture_output=True, text=True, check=True)
    found = _USAGE.search(said.stdout)
    if found is None:
        raise ValueError(f"cuobjdump says nothing of registers: {said.stdout!r}; look whether its format has changed")
    return Resources(*map(int, found.groups()))
