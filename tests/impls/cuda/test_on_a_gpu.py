"""Every implementation that runs on a GPU, on one, against the oracle."""

from __future__ import annotations

import pytest
import torch

from impls.case import ConvCase
from impls.catalog import CATALOG
from impls.contract import Implementation
from impls.data import as_given, make_data
from impls.reference import check

CASES = (
    "ic1ih100oc1kh3ph1",
    "ic1ih7iw65oc1kh5ph2",
    "g2mb2ic4ih9iw7oc6kh3kw2sh2sw1ph2pw1dh1dw0_bias",
    "ic3ih9oc2kh3_f64",
)
ON_CUDA = [each for each in CATALOG if "cuda" in each.devices]


@pytest.mark.gpu
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("implementation", ON_CUDA, ids=lambda implementation: implementation.name)
def test_it_computes_what_the_oracle_does(implementation: Implementation, name: str) -> None:
    case = ConvCase.parse(name)
    answer = implementation.available(case)
    if not answer.available:
        pytest.skip(answer.reason)
    data = make_data(case, seed=11)
    given = [None if each is None else each.cuda() for each in as_given(implementation, data)]
    call = implementation.prepare(case, *given)
    with torch.inference_mode(mode=implementation.grad_mode == "inference"):
        outputs = call(), call()
    torch.cuda.synchronize()
    assert outputs[0].data_ptr() != outputs[1].data_ptr(), "each call owes a fresh output"
    for output in outputs:
        assert output.device.type == ("cpu" if implementation.name.endswith("[cpu]") else "cuda")
        found = check(case, output, data.image, data.weight, data.bias, kind=implementation.error_bound)
        assert found.correct, found.reason
