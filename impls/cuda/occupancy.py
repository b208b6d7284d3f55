"""How many blocks of a kernel a multiprocessor holds at once: a model of what the hardware allots.

Limits: CUDA C++ programming guide, "Technical Specifications per Compute Capability". Granularities and the steps of
the model: NVIDIA's cuda_occupancy.h, which comes with the CUDA toolkit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["MULTIPROCESSORS", "Limiter", "Multiprocessor", "Occupancy", "occupancy"]

Limiter = Literal["warps", "blocks", "registers", "shared memory"]

_WARP = 32
_PARTITIONS = 4
_REGISTERS = 64 * 1024
_REGISTERS_A_THREAD = 255
_REGISTER_UNIT = 256  # a warp's registers are allotted in units of this many
_THREADS_A_BLOCK = 1024


@dataclass(frozen=True)
class Multiprocessor:
    """Hold what one multiprocessor has room for at once; `reserved_bytes` of shared memory go to each block besides."""

    warps: int
    blocks: int
    shared_bytes: int
    shared_unit: int = 128
    reserved_bytes: int = 1024


# By compute capability, major and minor.
MULTIPROCESSORS: Mapping[tuple[int, int], Multiprocessor] = {
    (7, 0): Multiprocessor(warps=64, blocks=32, shared_bytes=96 * 1024, shared_unit=256, reserved_bytes=0),
    (7, 5): Multiprocessor(warps=32, blocks=16, shared_bytes=64 * 1024, shared_unit=256, reserved_bytes=0),
    (8, 0): Multiprocessor(warps=64, blocks=32, shared_bytes=164 * 1024),
    (8, 6): Multiprocessor(warps=48, blocks=16, shared_bytes=100 * 1024),
    (8, 9): Multiprocessor(warps=48, blocks=24, shared_bytes=100 * 1024),
    (9, 0): Multiprocessor(warps=64, blocks=32, shared_bytes=228 * 1024),
    (10, 0): Multiprocessor(warps=64, blocks=32, shared_bytes=228 * 1024),
    (12, 0): Multiprocessor(warps=48, blocks=24, shared_bytes=100 * 1024),
}


@dataclass(frozen=True)
class Occupancy:
    """Say how many blocks and warps of a kernel a multiprocessor holds, of at most how many, and what limits it."""

    blocks: int
    warps: int
    most_warps: int
    limiter: Limiter

    @property
    def share(self) -> float:
        """Give the theoretical occupancy: active warps of those there is room for."""
        return self.warps / self.most_warps


def occupancy(capability: tuple[int, int], threads: int, registers: int, shared_bytes: int) -> Occupancy | None:
    """Model the occupancy of blocks of `threads` with `registers` a thread and `shared_bytes` (static and dynamic).

    `blocks` is 0 where not even one fits. Of limits that are equal the first of `Limiter` is named. None for a compute
    capability that is not in `MULTIPROCESSORS`.
    """
    room = MULTIPROCESSORS.get(capability)
    if room is None:
        return None
    warps = -(-threads // _WARP)
    limits: dict[Limiter, int] = {
        "warps": room.warps // warps if threads <= _THREADS_A_BLOCK else 0,
        "blocks": room.blocks,
        "registers": _blocks_by_registers(warps, registers),
        "shared memory": room.shared_bytes // _rounded(shared_bytes + room.reserved_bytes, room.shared_unit)
        if shared_bytes + room.reserved_bytes
        else room.blocks,
    }
    limiter = min(limits, key=lambda each: limits[each])
    blocks = limits[limiter]
    return Occupancy(blocks=blocks, warps=blocks * warps, most_warps=room.warps, limiter=limiter)


def _blocks_by_registers(warps: int, registers: int) -> int:
    """Count blocks: registers are allotted to warps, and each warp stays in one of the multiprocessor's partitions."""
    of_warp = _rounded(max(registers, 1) * _WARP, _REGISTER_UNIT)
    # The check at a launch counts a warp in every partition, whether or not the block has that many.
    if registers > _REGISTERS_A_THREAD or of_warp * _rounded(warps, _PARTITIONS) > _REGISTERS:
        return 0
    return _REGISTERS // _PARTITIONS // of_warp * _PARTITIONS // warps


def _rounded(value: int, unit: int) -> int:
    return -(-value // unit) * unit
