"""Operators of torch and their bytes, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch.nn import functional

from profiler.capture.tally import Tally, TooMany
from profiler.capture.torch_operators import OperatorCounter
from profiler.counts import OpCount


class Pair(NamedTuple):
    """A 4x5 array (80 bytes) and a 2x2 one (16 bytes), of float32."""

    a: Any
    b: Any


def counted(run: Callable[[Pair], object]) -> list[OpCount]:
    tally = Tally(most=100)
    pair = Pair(torch.ones(4, 5), torch.ones(2, 2))
    with torch.inference_mode(), OperatorCounter(tally):
        run(pair)
    return tally.op_counts()


# Operator, then bytes read, bytes written, bytes allocated, allocations, floating-point operations.
EXPECTED: dict[str, tuple[Callable[[Pair], object], tuple[str, int, int, int, int, int | None]]] = {
    "two operands": (lambda x: x.a * x.a, ("mul", 160, 80, 80, 1, None)),
    "a scalar": (lambda x: x.a * 2, ("mul", 80, 80, 80, 1, None)),
    "in place": (lambda x: x.a.mul_(2), ("mul_", 80, 80, 0, 0, None)),
    "with a sum": (lambda x: x.a.addcmul_(x.a, x.a), ("addcmul_", 240, 80, 0, 0, None)),
    "a given output": (lambda x: torch.mul(x.b, x.b, out=x.b[:]), ("mul", 32, 16, 0, 0, None)),
    "copy": (lambda x: x.a.copy_(torch.ones(5)), ("copy_", 20, 80, 0, 0, None)),
    "fill": (lambda x: x.a.fill_(1), ("fill_", 0, 80, 0, 0, None)),
    "a row repeated": (lambda _: torch.ones(5).expand(4, 5).exp(), ("exp", 20, 80, 80, 1, None)),
    "a column of it": (lambda x: x.a[:, 0].exp(), ("exp", 16, 16, 16, 1, None)),
    "sum": (lambda x: x.a.sum(), ("sum", 80, 4, 4, 1, None)),
    "view": (lambda x: x.a.view(20), ("view", 0, 0, 0, 0, None)),
    "select": (lambda x: x.a[0], ("select", 0, 0, 0, 0, None)),
    "contiguous copy": (lambda x: x.a.t().contiguous(), ("clone", 80, 80, 80, 1, None)),
    "empty": (lambda _: torch.empty(4, 5), ("empty", 0, 0, 80, 1, None)),
    "empty like": (lambda x: torch.empty_like(x.a), ("empty_like", 0, 0, 80, 1, None)),
    "zeros like": (lambda x: torch.zeros_like(x.a), ("zeros_like", 0, 80, 80, 1, None)),
    "zeros": (lambda _: torch.zeros(4, 5), ("zeros", 0, 80, 80, 1, None)),
    "matmul": (lambda x: torch.mm(x.b, x.b), ("mm", 32, 16, 16, 1, 16)),
    "a list of tensors": (lambda x: torch.cat([x.a, x.a]), ("cat", 160, 160, 160, 1, None)),
    # 1x1x4x5 by a 2x2 kernel: 3x4 outputs of 4 terms.
    "convolution": (
        lambda x: functional.conv2d(x.a[None, None], x.b[None, None]),
        ("convolution", 80 + 16, 48, 48, 1, 2 * 12 * 4),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", EXPECTED)
def test_bytes_are_as_counted_by_hand(what: str) -> None:
    run, (name, read, written, allocated, allocations, flops) = EXPECTED[what]
    expected = OpCount(
        op=f"aten::{name}",
        calls=1,
        bytes_read=read,
        bytes_written=written,
        allocated_bytes=allocated,
        allocations=allocations,
        flops=flops,
    )
    assert counted(run)[-1] == expected


@pytest.mark.parametrize(
    ("run", "names"),
    [
        (lambda x: functional.pad(x.a, (1, 1)), ["constant_pad_nd"]),
        (lambda x: functional.conv2d(x.a[None, None], x.b[None, None]), ["unsqueeze"] * 4),
        (lambda x: x.a.reshape(20), ["view"]),
        (lambda x: x.a.t().reshape(20), ["t", "clone", "_unsafe_view"]),
        (lambda x: x.a @ x.a.t(), ["t", "mm"]),
        (lambda x: x.a.contiguous().to(torch.float32).cpu(), []),
    ],
)  # fmt: skip
def test_an_operator_that_only_calls_others_is_counted_as_those(
    run: Callable[[Pair], object], names: list[str]
) -> None:
    counts = {count.op.removeprefix("aten::"): count.calls for count in counted(run)}
    wanted = {name: names.count(name) for name in names}
    assert {name: counts.get(name) for name in wanted} == wanted
    assert not {"pad", "conv2d", "reshape", "matmul", "contiguous", "to", "cpu"} & set(counts)


def test_the_grad_mode_of_the_call_is_kept() -> None:
    layer, image = torch.nn.Conv2d(1, 1, 3), torch.ones(1, 1, 4, 4)
    tally = Tally(most=100)
    with OperatorCounter(tally):
        output = layer(image)
    assert output.requires_grad
    assert [count.op for count in tally.op_counts()] == ["aten::convolution"]


def test_too_many_operators_end_the_call() -> None:
    tally = Tally(most=2)
    with OperatorCounter(tally), pytest.raises(TooMany):
        _repeat(5, lambda: torch.ones(3))
    assert tally.exceeded


def _repeat(times: int, run: Callable[[], object]) -> None:
    for _ in range(times):
        run()
