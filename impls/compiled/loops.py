"""Finds the innermost loops of a function from its jumps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from impls.compiled.instructions import Instruction

__all__ = ["innermost_loops"]

_Block = tuple[Instruction, ...]
_Edges = Mapping[int, Sequence[int]]


def innermost_loops(instructions: Sequence[Instruction]) -> list[_Block]:
    """Give the natural loops that hold no other, each as its instructions by address.

    An edge back to a block that dominates the one it leaves closes a loop; a jump back from code that a compiler moved
    out of the way does not. Source: A. V. Aho, M. S. Lam, R. Sethi, J. D. Ullman, Compilers, 2nd ed., section 9.6.
    """
    blocks = _blocks(instructions)
    if not blocks:
        return []
    after = {start: _successors(block, blocks) for start, block in blocks.items()}
    before: dict[int, list[int]] = {start: [] for start in blocks}
    for start, following in after.items():
        for target in following:
            before[target].append(start)
    dominators = _dominators(next(iter(blocks)), after, before)
    bodies: dict[int, set[int]] = {}
    for start, dominating in dominators.items():
        for header in after[start]:
            if header in dominating:
                bodies.setdefault(header, {header}).update(_body(header, start, before))
    return [
        tuple(instruction for start in sorted(body) for instruction in blocks[start])
        for body in bodies.values()
        if not any(other < body for other in bodies.values())
    ]


def _blocks(instructions: Sequence[Instruction]) -> dict[int, _Block]:
    """Cut where jumps lead to and after each; blocks by their first address, in order."""
    starts = {instruction.target for instruction in instructions}
    blocks: dict[int, list[Instruction]] = {}
    now: list[Instruction] = []
    cut = True
    for instruction in instructions:
        if cut or instruction.address in starts:
            now = blocks.setdefault(instruction.address, [])
        now.append(instruction)
        cut = instruction.target is not None or instruction.ends
    return {start: tuple(block) for start, block in blocks.items()}


def _successors(block: _Block, blocks: Mapping[int, _Block]) -> list[int]:
    last = block[-1]
    following = [last.target] if last.target in blocks else []
    if not last.ends:
        following += [start for start in blocks if start > last.address][:1]
    return [start for start in following if start is not None]


def _dominators(entry: int, after: _Edges, before: _Edges) -> dict[int, set[int]]:
    """Give for every block that can be reached those that every way to it passes, itself among them."""
    reached = list(_reached(entry, after))
    dominators = {start: set(reached) for start in reached} | {entry: {entry}}
    changed = True
    while changed:
        changed = False
        for start in reached[1:]:
            ways = [dominators[source] for source in before[start] if source in dominators]
            passed = set.intersection(*ways) | {start}
            changed |= passed != dominators[start]
            dominators[start] = passed
    return dominators


def _body(header: int, end: int, before: _Edges) -> set[int]:
    """Give the blocks from which `end` is reached without passing the header."""
    return set(_reached(end, {**before, header: []}))


def _reached(start: int, edges: _Edges) -> Iterator[int]:
    seen = {start}
    waiting = [start]
    while waiting:
        block = waiting.pop()
        yield block
        fresh = [each for each in edges[block] if each not in seen]
        seen.update(fresh)
        waiting += fresh
