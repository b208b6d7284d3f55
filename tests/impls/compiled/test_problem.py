"""The problem as C sees it: the two descriptions of one struct agree."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from impls.case import ConvCase
from impls.compiled import problem
from impls.compiled.compiler import build, find_compiler, missing_compiler
from impls.compiled.problem import REALS, Problem, problem_of
from impls.data import make_data

HEADER = Path(problem.__file__).with_name("problem.h")


@pytest.mark.skipif(find_compiler() is None, reason=missing_compiler())
@pytest.mark.parametrize("real", REALS.values())
def test_every_field_lies_where_c_has_it(real: str, tmp_path: Path) -> None:
    names = [name for name, *_ in Problem._fields_]
    offsets = ", ".join(f"offsetof(struct problem, {name})" for name in names)
    source = tmp_path / "layout.c"
    source.write_text(f'#include "{HEADER}"\nconst size_t layout[] = {{{offsets}, sizeof(struct problem)}};\n')
    found = (ctypes.c_size_t * (len(names) + 1)).in_dll(ctypes.CDLL(str(build(source, [], [f"REAL={real}"]))), "layout")
    assert list(found) == [*(getattr(Problem, name).offset for name in names), ctypes.sizeof(Problem)]


def test_it_holds_the_sizes_and_dense_copies_of_what_is_not_dense() -> None:
    case = ConvCase.parse("g2mb3ic4ih9iw8oc6kh3kw2sh2sw1ph1pw0dh0dw1_bias")
    data = make_data(case, seed=1)
    turned = np.asfortranarray(data.image)
    held = problem_of(case, turned, data.weight, data.bias)
    assert (held.batch, held.groups, held.group_inputs, held.group_outputs) == (3, 2, 2, 3)
    assert (held.output_height, held.output_width) == (case.output_height, case.output_width)
    assert (held.dilation_height, held.dilation_width, held.padding_height, held.padding_width) == (1, 2, 1, 0)
    image, weight, bias = held.kept_alive
    assert image.flags.c_contiguous
    assert (image == turned).all()
    assert (held.weight, held.bias) == (weight.ctypes.data, bias.ctypes.data)
    assert weight is data.weight
    assert problem_of(case, data.image, data.weight, None).bias is None
