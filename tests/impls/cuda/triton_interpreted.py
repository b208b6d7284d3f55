"""Run in a process of its own by test_triton.py: hold what Triton's interpreter computes against the oracle."""

from __future__ import annotations

import os
import sys

os.environ["TRITON_INTERPRET"] = "1"  # read when the kernel is decorated

import torch

from impls.case import ConvCase
from impls.cuda.triton_direct import DIRECT
from impls.data import as_given, make_data
from impls.reference import check


def main(names: list[str]) -> None:
    """Fail where an output is wrong, or is not a fresh one but for the switch that keeps one."""
    prepares = [DIRECT.prepare, *(switch.prepare for switch in DIRECT.switches if switch.name == "output_buffer")]
    for name in names:
        case = ConvCase.parse(name)
        data = make_data(case, seed=3)
        for prepare, fresh in zip(prepares, (True, False), strict=True):
            with torch.inference_mode():
                call = prepare(case, *as_given(DIRECT, data))
                outputs = call(), call()
            assert (outputs[0].data_ptr() != outputs[1].data_ptr()) == fresh
            answer = check(case, outputs[1], data.image, data.weight, data.bias)
            assert answer.correct, f"{name}: {answer.reason}"


if __name__ == "__main__":
    main(sys.argv[1:])
