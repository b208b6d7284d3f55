"""Finds the hot loop in what objdump prints of a library."""

from __future__ import annotations

import re
from dataclasses import dataclass

from impls.compiled.instructions import Instruction, instruction_set
from impls.compiled.loops import innermost_loops

__all__ = ["Function", "Loop", "functions_in", "hot_loop"]

_HEADER = re.compile(r"[0-9a-f]+ <(.+)>:")
_INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\s+(\S.*)")


@dataclass(frozen=True)
class Function:
    """Hold a function's name and instructions, by address."""

    name: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True)
class Loop:
    """Hold an innermost loop: the function it is in, and its instructions by address."""

    function: str
    instructions: tuple[Instruction, ...]

    def count(self, lanes: str) -> int:
        """Count its floating-point arithmetic of one kind, `vector` or `scalar`."""
        return sum(instruction.lanes == lanes for instruction in self.instructions)

    @property
    def registers(self) -> str:
        """Say which instruction set its widest registers belong to."""
        return instruction_set(self.instructions)


def functions_in(listing: str) -> list[Function]:
    """Read the output of `objdump -d --no-show-raw-insn`, GNU's or LLVM's."""
    found: dict[str, list[Instruction]] = {}
    now: list[Instruction] = []
    for line in listing.splitlines():
        header = _HEADER.fullmatch(line.strip())
        if header:
            now = found.setdefault(header[1], [])
            continue
        instruction = _INSTRUCTION.fullmatch(line)
        if instruction:
            now.append(Instruction(int(instruction[1], 16), " ".join(instruction[2].split())))
    return [Function(name, tuple(instructions)) for name, instructions in found.items()]


def hot_loop(functions: list[Function]) -> Loop | None:
    """Give the innermost loop with the most products of floating-point vectors, else of single elements; None without.

    Of equals it is the one with more arithmetic, then the shorter. Which loop runs most often is not known here: this
    is the one that the compiler put most of a convolution into.
    """
    loops = [Loop(function.name, body) for function in functions for body in innermost_loops(function.instructions)]
    working = [loop for loop in loops if loop.count("vector") or loop.count("scalar")]
    return max(working, key=_worth, default=None)


def _worth(loop: Loop) -> tuple[int, ...]:
    kinds = ("vector", "scalar")
    products = [sum(each.multiplies and each.lanes == lanes for each in loop.instructions) for lanes in kinds]
    return (*products, *map(loop.count, kinds), -len(loop.instructions))
