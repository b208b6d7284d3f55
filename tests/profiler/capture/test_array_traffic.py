"""Bytes of NumPy operators, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from profiler.capture.array_protocols import recording, watched
from profiler.capture.array_traffic import ArrayTraffic
from profiler.capture.tally import Tally, TooMany
from profiler.counts import OpCount


class Pair(NamedTuple):
    """A 4x5 array (80 bytes) and a 2x2 one (16 bytes), of float32."""

    a: Any
    b: Any


def counted(run: Callable[[Pair], object]) -> list[OpCount]:
    tally = Tally(most=100)
    pair = Pair(watched(np.ones((4, 5), np.float32)), watched(np.ones((2, 2), np.float32)))
    with recording(ArrayTraffic(tally)):
        run(pair)
    return tally.op_counts()


# Operator, then bytes read, bytes written, bytes allocated, allocations, floating-point operations.
EXPECTED: dict[str, tuple[Callable[[Pair], object], tuple[str, int, int, int, int, int | None]]] = {
    "two operands": (lambda x: x.a * x.a, ("multiply", 160, 80, 80, 1, None)),
    "a scalar": (lambda x: x.a * 2, ("multiply", 80, 80, 80, 1, None)),
    "a given output": (lambda x: np.multiply(x.a, x.a, out=np.zeros((4, 5), "f4")), ("multiply", 160, 80, 0, 0, None)),
    "one of its inputs as output": (lambda x: np.multiply(x.a, 2, out=x.a), ("multiply", 80, 80, 0, 0, None)),
    "a row repeated": (
        lambda x: np.exp(np.broadcast_to(np.ones(5, "f4"), (4, 5)), out=x.a),
        ("exp", 20, 80, 0, 0, None),
    ),
    "a column of it": (lambda x: np.exp(np.ones((4, 5), "f4")[:, 0], out=x.a[0, :4]), ("exp", 16, 16, 0, 0, None)),
    "to a number": (lambda x: np.add.reduce(x.a, axis=None), ("add.reduce", 80, 4, 0, 0, None)),
    "sum": (lambda x: np.sum(x.a), ("sum", 80, 4, 0, 0, None)),
    "copy": (lambda x: x.a.copy(), ("ndarray.copy", 80, 80, 80, 1, None)),
    "to double": (lambda x: x.a.astype("f8"), ("ndarray.astype", 80, 160, 160, 1, None)),
    "to what it is": (lambda x: x.a.astype("f4", copy=False), ("ndarray.astype", 0, 0, 0, 0, None)),
    "reshape a view": (lambda x: x.a.reshape(20), ("ndarray.reshape", 0, 0, 0, 0, None)),
    "reshape a copy": (lambda x: np.reshape(x.a.T, 20), ("reshape", 80, 80, 80, 1, None)),
    "windows": (
        lambda x: sliding_window_view(x.a, (2, 2)),
        ("lib.stride_tricks.sliding_window_view", 0, 0, 0, 0, None),
    ),
    "einsum of windows": (
        lambda x: np.einsum("ijkl,kl->ij", as_strided(x.a, (3, 4, 2, 2), (20, 4, 20, 4)), x.b),
        ("einsum", 80 + 16, 48, 48, 1, None),
    ),
    "pad": (lambda x: np.pad(x.a, 1), ("pad", 80, 168, 168, 1, None)),
    "empty": (lambda x: np.empty_like(x.a), ("empty_like", 0, 0, 80, 1, None)),
    "zeros": (lambda x: np.zeros_like(x.a), ("zeros_like", 0, 80, 80, 1, None)),
    "copyto": (lambda x: np.copyto(x.a, 0), ("copyto", 0, 80, 0, 0, None)),
    "copyto from an array": (lambda x: np.copyto(x.a, np.ones((4, 5), "f4")), ("copyto", 80, 80, 0, 0, None)),
    "fill": (lambda x: x.a.fill(1), ("ndarray.fill", 0, 80, 0, 0, None)),
    "sort in place": (lambda x: x.a.sort(), ("ndarray.sort", 80, 80, 0, 0, None)),
    "split": (lambda x: np.split(x.a, 2), ("split", 0, 0, 0, 0, None)),
    "concatenate": (lambda x: np.concatenate([x.a, x.a]), ("concatenate", 160, 160, 160, 1, None)),
    "matmul": (lambda x: np.matmul(x.b, x.b), ("matmul", 32, 16, 16, 1, 2 * 2 * 2 * 2)),
    "tensordot": (lambda x: np.tensordot(x.a, x.a, ([0], [0])), ("tensordot", 160, 100, 100, 1, 2 * 5 * 5 * 4)),
    "dot": (lambda x: x.b.dot(x.b), ("ndarray.dot", 32, 16, 16, 1, 16)),
    "inner of nothing": (lambda x: np.dot(x.a[:0], x.a[:0].T), ("dot", 0, 0, 0, 0, 0)),
    "slice": (lambda x: x.a[1:], ("ndarray.__getitem__", 0, 0, 0, 0, None)),
    "element": (lambda x: x.a[0, 0], ("ndarray.__getitem__", 4, 4, 0, 0, None)),
    "rows": (lambda x: x.a[np.array([0, 2])], ("ndarray.__getitem__", 40 + 16, 40, 40, 1, None)),
    "tolist": (lambda x: x.a.tolist(), ("ndarray.tolist", 80, 0, 0, 0, None)),
}  # fmt: skip


@pytest.mark.parametrize("what", EXPECTED)
def test_bytes_are_as_counted_by_hand(what: str) -> None:
    run, (name, read, written, allocated, allocations, flops) = EXPECTED[what]
    expected = OpCount(
        op=f"numpy.{name}",
        calls=1,
        bytes_read=read,
        bytes_written=written,
        allocated_bytes=allocated,
        allocations=allocations,
        flops=flops,
    )
    assert counted(run)[-1] == expected


def _assign(target: Any, key: Any, value: Any) -> None:
    target[key] = value


@pytest.mark.parametrize(
    ("key", "value", "read", "written"),
    [
        ((0, 0), 1.0, 0, 4),
        ((slice(None), 0), np.ones(4, np.float32), 16, 16),
        (slice(1, 3), 0, 0, 40),
        (np.array([0, 2]), 0, 16, 40),
    ],
)
def test_an_assignment_writes_what_its_key_names(key: Any, value: Any, read: int, written: int) -> None:
    (count,) = counted(lambda x: _assign(x.a, key, value))
    assert (count.op, count.bytes_read, count.bytes_written) == ("numpy.ndarray.__setitem__", read, written)
    assert (count.allocated_bytes, count.allocations) == (0, 0)


def test_calls_of_one_operator_are_summed() -> None:
    (count,) = counted(lambda x: [x.b * 2 for _ in range(3)])
    assert (count.calls, count.bytes_read, count.bytes_written, count.allocations) == (3, 48, 48, 3)


def test_too_many_operators_end_the_call() -> None:
    tally = Tally(most=2)
    array = watched(np.ones(3))
    with recording(ArrayTraffic(tally)), pytest.raises(TooMany):
        _repeat(5, lambda: np.add(array, 1))
    assert tally.exceeded
    assert tally.seen == 3


def _repeat(times: int, run: Callable[[], object]) -> None:
    for _ in range(times):
        run()
