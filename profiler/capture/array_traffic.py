"""Counts the operators that NumPy's array protocols show, and the bytes they move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from profiler.capture.array_flops import array_flops
from profiler.capture.extent import reached_bytes
from profiler.capture.tally import Tally

__all__ = ["ArrayTraffic"]

Array = npt.NDArray[Any]

# Operators that write to their first argument without looking at it.
_OVERWRITING = frozenset(
    {
        *("numpy.copyto", "numpy.put", "numpy.place", "numpy.putmask", "numpy.put_along_axis", "numpy.fill_diagonal"),
        *("numpy.ndarray.fill", "numpy.ndarray.put"),
    }
)
_INDEXING = "numpy.ndarray.__getitem__"


class ArrayTraffic:
    """Be a recorder that counts operators into a tally; views move no bytes."""

    hears_results = True

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def around(self, name: str, arguments: Sequence[Any]) -> AbstractContextManager[Any]:  # noqa: ARG002 - the protocol's
        """Give an empty context."""
        return nullcontext()

    def done(self, name: str, inputs: Sequence[Array], targets: Sequence[Array], result: Any) -> None:
        """Count one operator."""
        owners = {id(_owner(array)) for array in (*inputs, *targets)}
        outputs = list(_results(result))
        fresh = [output for output in outputs if isinstance(output, np.generic) or id(_owner(output)) not in owners]
        only_views = bool(outputs) and not fresh and not targets
        written = [*targets, *fresh]
        self._tally.add(
            name,
            read=0 if only_views else _bytes_read(name, inputs, fresh),
            written=0 if _leaves_empty(name) else sum(map(_bytes, written)),
            allocations=tuple(array.nbytes for array in fresh if isinstance(array, np.ndarray) and array.nbytes),
            flops=array_flops(name, inputs, outputs),
        )


def _bytes_read(name: str, inputs: Sequence[Array], fresh: Sequence[Array | np.generic]) -> int:
    if name == _INDEXING:  # of the array, as much as is taken; of arrays that index it, all
        return sum(map(_bytes, (*fresh, *inputs[1:])))
    if name.endswith("_like"):
        return 0
    return sum(map(_bytes, inputs[1:] if name in _OVERWRITING else inputs))


def _leaves_empty(name: str) -> bool:
    return name.rpartition(".")[2].startswith("empty")


def _results(result: Any) -> Iterator[Array | np.generic]:
    if isinstance(result, np.ndarray | np.generic):
        yield result
    elif isinstance(result, list | tuple):
        for each in result:
            yield from _results(each)


def _bytes(array: Array | np.generic) -> int:
    if isinstance(array, np.generic):
        return int(array.nbytes)
    if array.flags.c_contiguous:
        return array.nbytes
    return reached_bytes(array.shape, array.strides, array.itemsize)


def _owner(array: Any) -> Any:
    """Follow views to the array that holds the memory, or to the foreign object that does.

    `as_strided` puts an object of its own in between, which has a `base` as well.
    """
    while getattr(array, "base", None) is not None:
        array = array.base
    return array
