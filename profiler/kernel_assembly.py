"""What `convprof list --asm NAME` shows of a CUDA kernel: resources, machine code, PTX. No GPU is needed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from impls.case import ConvCase
from impls.contract import Availability
from impls.cuda.implementations import KERNEL_OF
from impls.cuda.inspection import inspect_kernel
from impls.cuda.kernels import SOURCE, Launch, launch_of
from impls.cuda.occupancy import occupancy
from impls.cuda.resources import KernelResources
from profiler.errors import UsageError
from profiler.units import UNKNOWN, percent

__all__ = ["kernel_assembly", "kernel_assembly_text"]

_RESOURCES = ("architecture", "registers", "shared_bytes", "constant_bytes", "local_bytes", "spill_bytes")


def kernel_assembly(name: str, case: ConvCase) -> dict[str, Any]:
    """Compile a kernel for a case, and give what was made as plain values; raises UsageError and BuildError."""
    launch = launch_of(KERNEL_OF[name], case)
    if isinstance(launch, Availability):
        raise UsageError(f"{name} cannot be built for {case.name}: {launch.reason}")
    built = inspect_kernel(SOURCE, launch.kernel, launch.defines)
    return {
        "implementation": name,
        "case": case.name,
        "compiler": built.compiler,
        "options": list(built.options),
        "source": str(SOURCE),
        "kernel": launch.kernel,
        "grid": list(launch.grid),
        "block": list(launch.block),
        "dynamic_shared_bytes": launch.shared_bytes,
        "resources": [_taken(each, launch) for each in built.resources],
        "architecture": built.architecture,
        "opcodes": built.opcodes,
        "sass": list(built.sass),
        "sass_reason": built.sass_reason,
        "ptx": list(built.ptx),
    }


def _taken(resources: KernelResources, launch: Launch) -> dict[str, Any]:
    """Give a kernel's resources, and how many of a multiprocessor's warps it can keep active with them."""
    capability = resources.architecture.removeprefix("sm_")
    model = occupancy(
        (int(capability[:-1]), int(capability[-1])),
        launch.threads,
        resources.registers,
        resources.shared_bytes + launch.shared_bytes,
    )
    taken = {name: asdict(resources)[name] for name in _RESOURCES}
    return {**taken, "occupancy": model and model.share, "limited_by": model and model.limiter}


def kernel_assembly_text(built: dict[str, Any]) -> str:
    """Lay it out for a terminal: the machine code, or where that cannot be shown, the PTX."""
    heads = {
        "compiler": built["compiler"],
        "options": " ".join(built["options"]),
        "source": built["source"],
        "kernel": built["kernel"],
        "launch": f"grid {built['grid']}, block {built['block']}, {built['dynamic_shared_bytes']} bytes shared",
    }
    lines = [f"{built['implementation']} on {built['case']}"]
    lines += [f"  {head:<8}  {text}" for head, text in heads.items()]
    return "\n".join([*lines, "", *_resource_lines(built), "", *_code_lines(built)])


def _resource_lines(built: dict[str, Any]) -> list[str]:
    rows = [
        [
            *(str(each[name]) for name in _RESOURCES),
            UNKNOWN if each["occupancy"] is None else percent(each["occupancy"]),
            each["limited_by"] or UNKNOWN,
        ]
        for each in built["resources"]
    ]
    rows.insert(0, [*(name.replace("_", " ") for name in _RESOURCES), "occupancy", "limited by"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    units = "registers and local bytes a thread, shared bytes a block; occupancy by NVIDIA's model, not measured"
    return [f"resources ({units})", *(f"  {row}" for row in aligned)]


def _code_lines(built: dict[str, Any]) -> list[str]:
    if not built["sass"]:
        head = f"PTX for {built['architecture']} (no machine code: {built['sass_reason']})"
        return [head, *(f"  {line}" for line in built["ptx"])]
    counts = ", ".join(f"{opcode} {count}" for opcode, count in built["opcodes"].items())
    head = f"machine code for {built['architecture']}, {sum(built['opcodes'].values())} instructions"
    return [head, f"  {counts}", *(f"  {line}" for line in built["sass"])]
