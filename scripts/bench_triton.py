"""Compile the Triton kernel in every shape of tile, for GPUs that need not be there, and print what each takes.

The shape that ships is the first of the table: of those with four outputs a thread or more and without a stack, the
one whose registers, at most over kernels and architectures, are fewest, then fewest on the first kernel. Needs Triton:
pip install 'convprof[triton]'
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from impls.case import ConvCase
from impls.cuda.triton_direct import TILE, Tile
from impls.cuda.triton_offline import Resources, compiled_for

_CASES = tuple(map(ConvCase.parse, ("ic1ih100oc1kh3ph1", "ic1ih100oc1kh11ph5")))
_ARCHITECTURES = (80, 90, 120)
_LEAST_OUTPUTS, _MOST_OUTPUTS = 4, 32


def _tiles() -> Iterator[Tile]:
    for height, width, warps in itertools.product((1, 2, 4, 8, 16, 32, 64), (32, 64, 128, 256), (1, 2, 4, 8)):
        if _LEAST_OUTPUTS <= _outputs_per_thread(Tile(height, width, warps)) <= _MOST_OUTPUTS:
            yield Tile(height, width, warps)


def _outputs_per_thread(tile: Tile) -> float:
    return tile.height * tile.width / (32 * tile.warps)


def _rank(found: list[Resources]) -> tuple[bool, int, int]:
    spills = any(each.stack_bytes for each in found)
    return spills, max(each.registers for each in found), max(each.registers for each in found[: len(_ARCHITECTURES)])


def main() -> None:
    """Print a line per shape, the best first: registers, and bytes of stack where there is one."""
    told = {
        tile: [compiled_for(case, architecture, tile) for case in _CASES for architecture in _ARCHITECTURES]
        for tile in _tiles()
    }
    columns = [f"{case.kernel_height}x{case.kernel_width} sm_{each}" for case in _CASES for each in _ARCHITECTURES]
    print("tile      warps  outputs a thread  " + "  ".join(f"{column:>13}" for column in columns))
    for tile, found in sorted(told.items(), key=lambda each: _rank(each[1])):
        cells = [f"{each.registers}" + (f" + {each.stack_bytes} B" if each.stack_bytes else "") for each in found]
        shape = f"{tile.height}x{tile.width}"
        line = f"{shape:<8}  {tile.warps:>5}  {_outputs_per_thread(tile):>16.0f}  "
        print(line + "  ".join(f"{cell:>13}" for cell in cells) + ("  ships" if tile == TILE else ""), flush=True)


if __name__ == "__main__":
    main()
