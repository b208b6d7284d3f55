"""What `convprof list --asm NAME` shows: what was built for a compiled implementation."""

from __future__ import annotations

from typing import Any

from impls.case import parse_cases
from impls.catalog import find
from impls.compiled.inspection import Inspection, inspect
from impls.compiled.simd import built_from
from impls.compiled.sources import SOURCES, named
from impls.cuda.implementations import KERNEL_OF
from profiler.errors import UsageError
from profiler.kernel_assembly import kernel_assembly, kernel_assembly_text

__all__ = ["assembly", "assembly_text"]


def assembly(name: str, case: str) -> dict[str, Any]:
    """Build an implementation for the first case that the text names, and give what was built as plain values.

    Raises UnknownImplementation, UsageError (no compiled code), CaseNameError and BuildError.
    """
    problem = parse_cases(case)[0]
    implementation, found = find(name), named(name) or built_from(name)
    if name in KERNEL_OF:
        return kernel_assembly(name, problem)
    if found is None:
        known = ", ".join([*(f"c.{source.name}" for source in SOURCES), *KERNEL_OF])
        raise UsageError(f"{name} is not compiled from C here, so there is no code to show; name one of {known}")
    answer = implementation.available(problem)
    if not answer.available:
        raise UsageError(f"{name} cannot be built for {problem.name}: {answer.reason}")
    built = inspect(*found, problem)
    return {
        "implementation": name,
        "case": problem.name,
        "compiler": built.compiler,
        "flags": built.flags,
        "defines": list(built.defines),
        "source": str(built.source),
        "library": str(built.library),
        "vectorised": [{"place": each.place, "remark": each.text, "line": each.line} for each in built.remarks],
        "vectorised_reason": built.remarks_reason,
        "loop": _loop(built),
        "loop_reason": built.loop_reason,
    }


def _loop(built: Inspection) -> dict[str, Any] | None:
    if built.loop is None:
        return None
    return {
        "function": built.loop.function,
        "vector_arithmetic": built.loop.count("vector"),
        "scalar_arithmetic": built.loop.count("scalar"),
        "registers": built.loop.registers,
        "instructions": [f"{each.address:x}: {each.text}" for each in built.loop.instructions],
    }


def assembly_text(built: dict[str, Any]) -> str:
    """Lay it out for a terminal."""
    if "kernel" in built:
        return kernel_assembly_text(built)
    heads = {
        "compiler": built["compiler"],
        "flags": " ".join([built["flags"] or "none", *(f"-D{define}" for define in built["defines"])]),
        "source": built["source"],
        "library": built["library"],
    }
    lines = [f"{built['implementation']} on {built['case']}"]
    lines += [f"  {head:<8}  {text}" for head, text in heads.items()]
    lines += ["", "vectorisation report", *_remark_lines(built), "", *_loop_lines(built)]
    return "\n".join(lines)


def _remark_lines(built: dict[str, Any]) -> list[str]:
    if not built["vectorised"]:
        return [f"  {built['vectorised_reason']}"]
    width = max(len(each["place"]) for each in built["vectorised"])
    return [f"  {each['place']:<{width}}  {each['remark']}  | {each['line']}" for each in built["vectorised"]]


def _loop_lines(built: dict[str, Any]) -> list[str]:
    loop = built["loop"]
    if loop is None:
        return ["hot loop", f"  {built['loop_reason']}"]
    arithmetic = (
        f"{loop['vector_arithmetic']} floating-point operations on vectors and {loop['scalar_arithmetic']} on single "
        f"elements in {len(loop['instructions'])} instructions"
    )
    widest = f"; widest registers: {loop['registers']}" if loop["registers"] else ""
    return [
        f"hot loop (the innermost one with the most products), in {loop['function']}",
        f"  {arithmetic}{widest}",
        *(f"  {each}" for each in loop["instructions"]),
    ]
