"""Loops from jumps: which are innermost, and what is no loop."""

from __future__ import annotations

from impls.compiled.instructions import Instruction
from impls.compiled.loops import innermost_loops


def code(*texts: str) -> list[Instruction]:
    """Make instructions at the addresses 0, 1, 2 and so on; `>3` stands for a jump's target."""
    return [
        Instruction(address, text.replace(">", "") + " <f+0x0>" if ">" in text else text)
        for address, text in enumerate(texts)
    ]


def spans(*texts: str) -> list[list[int]]:
    return [[instruction.address for instruction in loop] for loop in innermost_loops(code(*texts))]


def test_a_jump_back_closes_a_loop_with_all_between() -> None:
    assert spans("mov", "add", "cmp", "jne >1", "ret") == [[1, 2, 3]]


def test_only_the_inner_of_two_loops_is_given() -> None:
    assert spans("mov", "add", "mul", "jne >2", "dec", "jne >1", "ret") == [[2, 3]]


def test_two_loops_in_one_are_both_innermost() -> None:
    assert spans("nop", "add", "jne >1", "sub", "jne >3", "jne >0", "ret") == [[1, 2], [3, 4]]


def test_a_branch_inside_belongs_to_its_loop() -> None:
    assert spans("nop", "je >3", "add", "cmp", "jne >1", "ret") == [[1, 2, 3, 4]]


def test_two_ways_back_to_one_place_are_one_loop() -> None:
    assert spans("nop", "je >4", "add", "jne >1", "jne >1", "ret") == [[1, 2, 3, 4]]


def test_code_moved_behind_the_function_jumps_back_without_a_loop() -> None:
    assert spans("je >4", "mov", "add", "ret", "xor", "jmp >1") == []


def test_a_loop_may_have_a_part_that_was_moved_behind_the_function() -> None:
    assert spans("mov", "je >4", "jne >1", "ret", "mul", "jmp >2") == [[1, 2, 4, 5]]


def test_a_loop_that_is_entered_in_the_middle_is_found_by_its_test() -> None:
    assert spans("jmp >2", "add", "cmp", "jl >1", "ret") == [[1, 2, 3]]


def test_jumps_elsewhere_and_calls_are_no_loops() -> None:
    assert spans("call >0", "jmp >77", "ret") == []
    assert innermost_loops([]) == []
