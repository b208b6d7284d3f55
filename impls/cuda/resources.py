"""What a kernel takes of a multiprocessor: as the compiler reports it, or as the driver does once it is loaded."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from impls.cuda.nvrtc import Compiled

__all__ = ["KernelResources", "compiled_resources", "loaded_resources", "remember"]

# What ptxas -v prints for each kernel; stack and spills come on a line before registers and shared memory.
_ENTRY = re.compile(r"Compiling entry function '([^']+)' for '(\w+)'")
_FRAME = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_REGISTERS = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+)(?:\+\d+)? bytes smem")

_SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")


@dataclass(frozen=True)
class KernelResources:
    """Hold what one kernel takes, compiled for `architecture`.

    `registers` and `local_bytes` (stack and spilled registers) are a thread's, `shared_bytes` (those fixed when it was
    compiled; a launch may add some) a block's, `constant_bytes` the module's `__constant__` variables. `spill_bytes`,
    stored and loaded, is what only the compiler tells, `max_threads` of a block what only the driver does; else None.
    """

    kernel: str
    architecture: str
    registers: int
    shared_bytes: int
    constant_bytes: int
    local_bytes: int
    spill_bytes: int | None = None
    max_threads: int | None = None


_LOADED: dict[KernelResources, None] = {}


def loaded_resources() -> tuple[KernelResources, ...]:
    """Give the resources of every kernel that this process has loaded, each kind once, in the order of loading."""
    return tuple(_LOADED)


def remember(resources: KernelResources) -> None:
    """Add a kernel that was loaded."""
    _LOADED[resources] = None


def compiled_resources(compiled: Compiled) -> tuple[KernelResources, ...]:
    """Read the resources of all kernels of a cubin, in the order of their names; none for PTX, which has no registers.

    They are in the log of the assembler (`ptxas -v`), the `__constant__` variables' bytes in the cubin's sections.
    """
    constant_bytes = _section_bytes(compiled.cubin, ".nv.constant3") if compiled.cubin else 0
    pieces = _ENTRY.split(compiled.log)[1:]
    found = [
        _of_entry(kernel, architecture, said, constant_bytes)
        for kernel, architecture, said in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    ]
    return tuple(sorted(found, key=lambda each: each.kernel))


def _of_entry(kernel: str, architecture: str, said: str, constant_bytes: int) -> KernelResources:
    frame, registers, shared = _FRAME.search(said), _REGISTERS.search(said), _SHARED.search(said)
    if frame is None or registers is None:
        raise ValueError(f"the assembler's log says nothing of {kernel}'s registers: {said!r}")
    return KernelResources(
        kernel=kernel,
        architecture=architecture,
        registers=int(registers[1]),
        shared_bytes=int(shared[1]) if shared else 0,
        constant_bytes=constant_bytes,
        local_bytes=int(frame[1]),
        spill_bytes=int(frame[2]) + int(frame[3]),
    )


def _section_bytes(elf: bytes, name: str) -> int:
    """Give the size of an ELF file's section, 0 where it has none; the format is in elf(5)."""
    (offset,) = struct.unpack_from("<Q", elf, 0x28)
    _size, count, names_index = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [_SECTION_HEADER.unpack_from(elf, offset + index * _SECTION_HEADER.size) for index in range(count)]
    names = headers[names_index][4]
    wanted = name.encode()
    return next((int(each[5]) for each in headers if _string_at(elf, names + each[0]) == wanted), 0)


def _string_at(data: bytes, start: int) -> bytes:
    return data[start : data.index(b"\0", start)]
