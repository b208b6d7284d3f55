"""Watched arrays compute what plain ones do, to the bit, and show every operator on the way."""

from __future__ import annotations

import contextlib
import copy
import ctypes
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from profiler.capture.array_protocols import WatchedArray, recording, watched

Array = Any


class Listener:
    """Note the names of operators."""

    hears_results = False

    def __init__(self) -> None:
        self.names: list[str] = []

    @contextlib.contextmanager
    def around(self, name: str, _: Sequence[Any]) -> Iterator[None]:
        self.names.append(name)
        yield

    def done(self, *_: Any) -> None:
        raise AssertionError("it said that it hears no results")


class Given(NamedTuple):
    """Two arrays of one shape (rows, columns) with values in [1, 2], and a mask of that shape."""

    a: Array
    b: Array
    m: Array

    @property
    def watched(self) -> Given:
        return Given(*map(watched, self))


def _in_place(change: Callable[[Array, Array], object]) -> Callable[[Given], Any]:
    def run(x: Given) -> Any:
        target = x.a.copy()
        change(target, x.b)
        return target

    return run


def _iadd(a: Array, b: Array) -> None:
    a += b


def _set_row(a: Array, b: Array) -> None:
    a[0] = b[-1]


def _set_masked(a: Array, b: Array) -> None:
    a[a > 1.5] = 0
    a[[0, -1]] = b[[0, -1]]


OPERATORS: dict[str, Callable[[Given], Any]] = {
    "add": lambda x: np.add(x.a, x.b),
    "multiply a scalar": lambda x: 3 * x.a,
    "power": lambda x: x.a**2 - x.b**0.5,
    "compare": lambda x: x.a <= x.b,
    "divmod": lambda x: divmod(x.a, x.b),
    "modf": lambda x: np.modf(x.a),
    "exp": lambda x: np.exp(-x.a),
    "out": lambda x: np.add(x.a, x.b, out=np.zeros_like(x.a)),
    "out and where": lambda x: np.multiply(x.a, x.b, out=np.ones_like(x.a), where=x.m),
    "two outs": lambda x: np.modf(x.a, out=(np.empty_like(x.a), np.empty_like(x.a))),
    "reduce": lambda x: np.add.reduce(x.a, axis=0),
    "reduce all": lambda x: np.maximum.reduce(x.a, axis=None),
    "reduce keeping": lambda x: np.add.reduce(x.a, axis=1, keepdims=True),
    "accumulate": lambda x: np.add.accumulate(x.a),
    "outer": lambda x: np.multiply.outer(x.a[0], x.b[0]),
    "at": _in_place(lambda a, b: np.add.at(a, [0, 0], b[0])),
    "sum": lambda x: np.sum(x.a),
    "sum where": lambda x: np.sum(x.a, axis=0, where=x.m),
    "sum method": lambda x: x.a.sum(),
    "mean method": lambda x: x.a.mean(axis=0),
    "var": lambda x: np.var(x.a),
    "std method": lambda x: x.a.std(axis=1),
    "min": lambda x: x.a.min(),
    "argmax": lambda x: x.a.argmax(axis=0),
    "cumsum": lambda x: np.cumsum(x.a),
    "clip": lambda x: x.a.clip(1.2, 1.8),
    "round": lambda x: x.a.round(1),
    "all": lambda x: (x.a > 0).all(),
    "any": lambda x: np.any(x.m),
    "einsum": lambda x: np.einsum("ij,ij->i", x.a, x.b),
    "einsum of windows": lambda x: np.einsum("ijkl,kl->ij", sliding_window_view(x.a, (2, 2)), x.b[:2, :2]),
    "matmul": lambda x: x.a @ x.b.T,
    "matmul out": lambda x: np.matmul(x.a, x.b.T, out=np.empty_like(x.a, shape=(len(x.a), len(x.a)))),
    "dot": lambda x: np.dot(x.a, x.b.T),
    "dot method": lambda x: x.a.dot(x.b.T),
    "tensordot": lambda x: np.tensordot(x.a, x.b, axes=([0, 1], [0, 1])),
    "inner": lambda x: np.inner(x.a, x.b),
    "pad": lambda x: np.pad(x.a, ((1, 2), (0, 1))),
    "pad edge": lambda x: np.pad(x.a, 1, mode="edge"),
    "windows": lambda x: sliding_window_view(x.a, (2, 2)),
    "windows of a subclass": lambda x: sliding_window_view(x.a, (2, 2), subok=True),
    "concatenate": lambda x: np.concatenate([x.a, x.b], axis=1),
    "concatenate a deque": lambda x: np.concatenate(deque([x.a, x.b])),
    "concatenate out": lambda x: np.concatenate((x.a, x.b), out=np.empty_like(x.a, shape=(2 * len(x.a), x.a.shape[1]))),
    "stack": lambda x: np.stack((x.a, x.b)),
    "split": lambda x: np.split(x.a, [1], axis=0),
    "where": lambda x: np.where(x.m, x.a, x.b),
    "nonzero": lambda x: x.m.nonzero(),
    "transpose": lambda x: x.a.T + x.b.transpose(),
    "reshape": lambda x: x.a.reshape(-1),
    "reshape a transposed": lambda x: np.reshape(x.a.T, -1),
    "ravel": lambda x: x.a.ravel(),
    "flatten": lambda x: x.a.flatten(),
    "copy": lambda x: x.a.copy(),
    "astype": lambda x: x.a.astype("float64"),
    "astype the same": lambda x: x.a.astype(x.a.dtype, copy=False),
    "view of bits": lambda x: x.a.copy().view("u1"),
    "take": lambda x: np.take(x.a, [0, 0], axis=1),
    "sort": lambda x: np.sort(x.a, axis=None),
    "roll": lambda x: np.roll(x.a, 1, axis=0),
    "flip": lambda x: np.flip(x.a),
    "broadcast": lambda x: np.broadcast_to(x.a, (2, *x.a.shape)) * x.b,
    "solve": lambda x: np.linalg.solve(np.eye(len(x.a)) + x.a @ x.a.T, x.b),
    "singular values": lambda x: np.linalg.svd(x.a),
    "unique": lambda x: np.unique(x.a, return_counts=True),
    "convolve": lambda x: np.convolve(x.a[0], x.b[0]),
    "zeros like": lambda x: np.zeros((2, 2), like=x.a),
    "tolist": lambda x: x.a.tolist(),
    "tobytes": lambda x: x.a.tobytes(),
    "slice": lambda x: x.a[1:, ::-1],
    "new axis": lambda x: x.a[:, np.newaxis, 0],
    "element": lambda x: x.a[0, 0],
    "element as array": lambda x: x.a[0, 0, ...],
    "row": lambda x: x.a[-1],
    "rows": lambda x: x.a[[0, -1]],
    "masked": lambda x: x.a[x.m],
    "iterate": lambda x: [row * 2 for row in x.a],
    "in place": _in_place(_iadd),
    "copyto": _in_place(np.copyto),
    "fill": _in_place(lambda a, b: a.fill(b[0, 0])),
    "sort in place": _in_place(lambda a, _: a.sort(axis=0)),
    "put": _in_place(lambda a, b: np.put(a, [0], b[0, 0])),
    "set a row": _in_place(_set_row),
    "set masked": _in_place(_set_masked),
    "repr": lambda x: repr(x.a.tolist()) + str(x.a),
    "shape": lambda x: (np.shape(x.a), np.ndim(x.a), np.size(x.b), np.result_type(x.a, x.b), len(x.a), x.a.nbytes),
}  # fmt: skip


def assert_same(plain: Any, seen: Any) -> None:
    """Assert that two results are the same to the bit; arrays are watched on one side, all else is of one type."""
    if isinstance(plain, np.ndarray):
        assert type(seen) is WatchedArray
        assert (seen.dtype, seen.shape) == (plain.dtype, plain.shape)
        assert np.asarray(seen).tobytes() == plain.tobytes()
        return
    assert type(seen) is type(plain)
    if isinstance(plain, list | tuple):
        assert len(seen) == len(plain)
        for one, other in zip(plain, seen, strict=True):
            assert_same(one, other)
    elif isinstance(plain, np.generic):
        assert seen.tobytes() == plain.tobytes()
    else:
        assert seen == plain


@pytest.mark.parametrize("name", OPERATORS)
@given(
    rows=st.integers(2, 5),
    columns=st.integers(2, 5),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**16),
    ordered=st.sampled_from("CF"),
)
@settings(max_examples=12, deadline=None)
def test_results_are_numpy_s_own(name: str, rows: int, columns: int, dtype: str, seed: int, ordered: Any) -> None:
    generator = np.random.default_rng(seed)
    a, b = (np.asarray(generator.uniform(1, 2, (rows, columns)), dtype=dtype, order=ordered) for _ in range(2))
    mask = generator.random((rows, columns)) < 0.5
    given_arrays = Given(a, b, mask)
    before = a.tobytes(), b.tobytes()
    plain = OPERATORS[name](given_arrays)
    assert_same(plain, OPERATORS[name](given_arrays.watched))
    with recording(Listener()):
        assert_same(plain, OPERATORS[name](given_arrays.watched))
        # Operators see one watched array among plain ones as well.
        mixed = OPERATORS[name](Given(watched(a), b, mask))
    assert _unwatched(mixed) == _unwatched(plain)
    assert (a.tobytes(), b.tobytes()) == before


def _unwatched(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tobytes(), value.shape, value.dtype.str
    return [_unwatched(each) for each in value] if isinstance(value, list | tuple) else repr(value)


def heard(run: Callable[[], object]) -> list[str]:
    listener = Listener()
    with recording(listener):
        run()
    return listener.names


def test_every_operator_of_a_chain_is_heard() -> None:
    image, kernel = watched(np.ones((4, 4), np.float32)), np.ones((3, 3), np.float32)

    def convolve() -> None:
        padded = np.pad(image, 1)
        product = padded[0:3, 0:3] * kernel
        total = np.sum(product) + product.max()
        assert type(total) is np.float32
        columns = np.concatenate([product.reshape(1, -1), np.einsum("ij->ji", product).reshape(1, -1)])
        columns[0] = 0
        columns += 1
        np.add.reduce(columns @ columns.T, axis=0, out=np.empty_like(columns[0, :2]))

    assert heard(convolve) == [
        "numpy.pad",
        "numpy.ndarray.__getitem__",
        "numpy.multiply",
        "numpy.sum",
        "numpy.maximum.reduce",
        "numpy.ndarray.reshape",
        "numpy.einsum",
        "numpy.ndarray.reshape",
        "numpy.concatenate",
        "numpy.ndarray.__setitem__",
        "numpy.add",
        "numpy.matmul",
        "numpy.ndarray.__getitem__",
        "numpy.empty_like",
        "numpy.add.reduce",
    ]


def test_nothing_is_heard_outside_the_context() -> None:
    listener = Listener()
    array = watched(np.ones(3))
    with recording(listener):
        pass
    np.add(array, 1)
    assert listener.names == []


def test_an_error_leaves_the_context_and_names_numpy_s_own_reason() -> None:
    array = watched(np.ones((2, 3)))
    with recording(Listener()), pytest.raises(ValueError, match="broadcast"):
        np.add(array, np.ones((4, 5)))
    assert heard(lambda: array + 1) == ["numpy.add"]


def test_outputs_that_were_given_are_given_back() -> None:
    a, target = watched(np.ones(3)), np.zeros(3)
    assert np.add(a, a, out=target) is target
    seen_target = watched(target)
    assert np.add(a, a, out=seen_target) is seen_target
    assert target.tolist() == [2, 2, 2]
    before = a
    a += 1
    assert a is before
    assert a.astype(a.dtype, copy=False) is a


def test_what_is_no_plain_array_stays_as_it_is() -> None:
    masked = np.ma.masked_array([1, 2])
    for value in (None, 3, "x", masked):
        assert watched(value) is value


def test_views_share_memory_with_what_they_view() -> None:
    plain = np.zeros((3, 4))
    array = watched(plain)
    array[1:][0, 2] = 5
    array.reshape(-1)[0] = 7
    assert plain[1, 2] == 5
    assert plain[0, 0] == 7


def test_arrays_go_to_c_as_plain_ones_do() -> None:
    plain = np.arange(6, dtype=np.float32)
    array = watched(plain)
    assert array.ctypes.data == plain.ctypes.data
    pointer = array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    assert pointer[5] == 5
    checked = np.ctypeslib.ndpointer(np.float32, ndim=1, flags="C_CONTIGUOUS")
    assert checked.from_param(array) is not None
    memory = (ctypes.c_char * array.nbytes).from_buffer(array)
    ctypes.memset(memory, 0, 4)
    assert plain[0] == 0
    assert memoryview(array).nbytes == plain.nbytes


def test_torch_takes_watched_arrays() -> None:
    import torch

    plain = np.arange(6, dtype=np.float32)
    tensor = torch.from_numpy(watched(plain))
    tensor += 1
    assert plain.tolist() == [1, 2, 3, 4, 5, 6]


def test_copies_and_plain_arrays_are_made_as_asked() -> None:
    array = watched(np.arange(3))
    assert type(np.asarray(array)) is np.ndarray
    assert np.array_equal(copy.copy(array), array)
    assert np.array_equal(copy.deepcopy(array), array)
