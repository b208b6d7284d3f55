"""Makes NumPy's own work visible: an array that tells a recorder of each operator it takes part in.

NumPy hands the ufuncs and functions that such an array is given to the array itself (NEP 13, `__array_ufunc__`; NEP
18, `__array_function__`). It runs them on plain arrays, so that results are NumPy's own to the bit, and gives results
of its own kind, so that what follows is seen as well. `np.empty`, `np.zeros`, `np.ones` and `np.full` are given no
array to ask, so they are replaced while a recorder listens. Not seen is what starts from other plain arrays alone, such
as those that `np.asarray` gives back. What a function does inside (`np.pad`) is one operator.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["ArrayRecorder", "WatchedArray", "recording", "watched"]

Array = npt.NDArray[Any]


class ArrayRecorder(Protocol):
    """Be told of each operator.

    `done` is only called where `hears_results` is true, with the plain arrays an operator took as `inputs` and those it
    wrote to in place as `targets`.
    """

    hears_results: bool

    def around(self, name: str, arguments: Sequence[Any]) -> AbstractContextManager[Any]:
        """Give a context to run the operator in, from what it was given."""
        ...

    def done(self, name: str, inputs: Sequence[Array], targets: Sequence[Array], result: Any) -> None:
        """Hear what an operator gave."""
        ...


_NOTHING = nullcontext()
_recorder: ArrayRecorder | None = None


@contextmanager
def recording(recorder: ArrayRecorder) -> Iterator[None]:
    """Tell a recorder of all operators on watched arrays, of all threads, within this context."""
    global _recorder  # noqa: PLW0603 - NumPy's protocols pass no state
    before, _recorder = _recorder, recorder
    makers = {name: getattr(np, name) for name in _MAKERS}
    for name, maker in makers.items():
        setattr(np, name, _watched_maker(name, maker))
    try:
        yield
    finally:
        for name, maker in makers.items():
            setattr(np, name, maker)
        _recorder = before


def watched(array: Any) -> Any:
    """Give a watched view of a plain array; anything else (a tensor, None) as it is."""
    return array.view(WatchedArray) if type(array) is np.ndarray else array


# Functions that make an array without being given one.
_MAKERS = ("empty", "zeros", "ones", "full")
# Functions that write to their first argument and give nothing back.
_MUTATING = frozenset({np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal})
# Questions about arrays, not work on them.
_QUESTIONS = frozenset(
    {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.may_share_memory, np.iscomplexobj, np.isrealobj}
)
# Methods that NumPy runs in C without asking the protocols, and those of them that write to the array itself.
_METHODS = (
    *("argmax", "argmin", "argpartition", "argsort", "astype", "byteswap", "choose", "compress", "copy", "diagonal"),
    *("dot", "flatten", "nonzero", "ravel", "repeat", "reshape", "round", "searchsorted", "squeeze", "swapaxes"),
    *("take", "transpose"),
)
_MUTATING_METHODS = ("fill", "partition", "put", "sort")
# Methods that turn an array into Python's own objects, in which no array need be looked for.
_CONVERTING_METHODS = ("tobytes", "tolist")


class _Given:
    """Hold the plain arrays of one operator, and for each what it was given as."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []
        self._originals: dict[int, Any] = {}

    def plain(self, value: Any) -> Any:
        """Give a value with every watched array in it made plain."""
        kind = type(value)
        if kind is WatchedArray:
            return self._noted(value.view(np.ndarray), value)
        if kind is np.ndarray:
            return self._noted(value, value)
        if kind is tuple or kind is list:
            return kind(self.plain(each) for each in value)
        return value

    def original(self, result: Any) -> Any:
        """Give a result with every new plain array in it made watched, and one that was given as it was given."""
        kind = type(result)
        if kind is np.ndarray:
            found = self._originals.get(id(result))
            return result.view(WatchedArray) if found is None else found
        if kind is tuple or kind is list:
            return kind(self.original(each) for each in result)
        if isinstance(result, tuple) and hasattr(result, "_make"):  # numpy.linalg's named results
            return result._make(self.original(each) for each in result)
        return result

    def take(self, other: _Given) -> None:
        """Know what another one knows as well."""
        self._originals.update(other._originals)

    def _noted(self, array: Array, original: Any) -> Array:
        self.arrays.append(array)  # keeps it alive, so that its id stays its own
        self._originals[id(array)] = original
        return array


class WatchedArray(np.ndarray[Any, Any]):
    """Be an array that tells the current recorder of the operators it takes part in."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = f"numpy.{ufunc.__name__}" if method == "__call__" else f"numpy.{ufunc.__name__}.{method}"
        return _perform(name, getattr(ufunc, method), inputs, kwargs, mutating=method == "at")

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        # ndarray's own answer runs the implementation; `func` would ask us again for an array that hides in a deque.
        run = functools.partial(super().__array_function__, func, types)
        if func in _QUESTIONS:
            return run(args, kwargs)
        name = f"{func.__module__}.{func.__name__}"
        return _perform(name, lambda *a, **k: run(a, k), args, kwargs, mutating=func in _MUTATING)

    def __getitem__(self, key: Any) -> Any:
        return _perform("numpy.ndarray.__getitem__", np.ndarray.__getitem__, (self, key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        name = "numpy.ndarray.__setitem__"
        given = _Given()
        target, place, source = given.plain((self, key, value))
        with _around(name, (self, value)):
            target[place] = source
        if _recorder is not None and _recorder.hears_results:
            part = target[place]  # what is written is the part of the target that the key names
            _recorder.done(name, given.arrays[1:], [np.asarray(part)], None)


def _perform(
    name: str, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], *, mutating: bool = False
) -> Any:
    """Run an operator on plain arrays, tell the recorder, and give its result as watched arrays.

    All of it is done within the recorder's context, so that what watching costs is not taken for the caller's own work.
    """
    with _around(name, args):
        given, outputs = _Given(), _Given()
        plain_args = [given.plain(value) for value in args]
        plain_kwargs = {key: (outputs if key == "out" else given).plain(value) for key, value in kwargs.items()}
        with _within_an_operator():
            result = function(*plain_args, **plain_kwargs)
        if _recorder is not None and _recorder.hears_results:
            _recorder.done(name, given.arrays, given.arrays[:1] if mutating else outputs.arrays, result)
        given.take(outputs)
        return given.original(result)


class _Depth(threading.local):
    """Hold how many operators this thread is within: what those make for themselves is not the caller's."""

    operators = 0


_depth = _Depth()


@contextmanager
def _within_an_operator() -> Iterator[None]:
    _depth.operators += 1
    try:
        yield
    finally:
        _depth.operators -= 1


def _watched_maker(name: str, maker: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(maker)
    def run(*args: Any, **kwargs: Any) -> Any:
        if _depth.operators:
            return maker(*args, **kwargs)
        return _perform(f"numpy.{name}", maker, args, kwargs)

    return run


def _around(name: str, arguments: Sequence[Any]) -> AbstractContextManager[Any]:
    return _NOTHING if _recorder is None else _recorder.around(name, arguments)


def _reported(name: str, *, mutating: bool) -> Callable[..., Any]:
    method = getattr(np.ndarray, name)

    @functools.wraps(method)
    def run(self: WatchedArray, *args: Any, **kwargs: Any) -> Any:
        return _perform(f"numpy.ndarray.{name}", method, (self, *args), kwargs, mutating=mutating)

    return run


def _converting(name: str) -> Callable[..., Any]:
    method = getattr(np.ndarray, name)

    @functools.wraps(method)
    def run(self: WatchedArray, *args: Any, **kwargs: Any) -> Any:
        label = f"numpy.ndarray.{name}"
        with _around(label, (self,)):
            plain = self.view(np.ndarray)
            result = method(plain, *args, **kwargs)
            if _recorder is not None and _recorder.hears_results:
                _recorder.done(label, [plain], [], None)
            return result

    return run


for _name in _CONVERTING_METHODS:
    setattr(WatchedArray, _name, _converting(_name))
for _name in _METHODS:
    setattr(WatchedArray, _name, _reported(_name, mutating=False))
for _name in _MUTATING_METHODS:
    setattr(WatchedArray, _name, _reported(_name, mutating=True))
