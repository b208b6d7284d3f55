"""The problem as the kernels see it: the two descriptions of one struct agree."""

from __future__ import annotations

import re

from impls.case import ConvCase
from impls.cuda.kernels import SOURCE
from impls.cuda.problem import Problem, problem_of


def test_fields_are_those_of_the_struct_in_its_order() -> None:
    found = re.search(r"struct convolution \{(.*?)\};", SOURCE.read_text(), re.DOTALL)
    assert found is not None
    members = re.sub(r"/\*.*?\*/", "", found[1], flags=re.DOTALL)
    declared = [name.strip() for line in re.findall(r"int ([^;]*);", members) for name in line.split(",")]
    assert declared == [name for name, *_ in Problem._fields_]
    assert members.count(";") == members.count("int ")  # nothing but ints, so nothing but their order lays them out


def test_it_holds_the_sizes_of_the_case() -> None:
    case = ConvCase.parse("g2mb3ic4ih9iw8oc6kh3kw2sh2sw1ph1pw0dh0dw1_bias")
    held = problem_of(case, 40)
    assert {name: getattr(held, name) for name, *_ in Problem._fields_} == {
        "batch": 3,
        "groups": 2,
        "group_inputs": 2,
        "group_outputs": 3,
        "height": 9,
        "width": 8,
        "output_height": case.output_height,
        "output_width": case.output_width,
        "kernel_height": 3,
        "kernel_width": 2,
        "stride_height": 2,
        "stride_width": 1,
        "padding_height": 1,
        "padding_width": 0,
        "dilation_height": 1,
        "dilation_width": 2,
        "tile_pitch": 40,
    }
