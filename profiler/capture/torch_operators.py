"""Counts the operators that a call sends through torch's dispatcher, and the bytes they move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from profiler.capture.extent import reached_bytes
from profiler.capture.tally import Tally

__all__ = ["OperatorCounter", "is_decomposed"]

# In-place operators that do not look at what they overwrite.
_OVERWRITING = frozenset({"copy_", "fill_", "zero_", "uniform_", "normal_", "random_", "bernoulli_", "exponential_"})
_KERNEL_KEYS = ("CompositeImplicitAutograd", "CPU")


@dataclass(frozen=True)
class _Plan:
    """Say what is known of an operator from its schema.

    `decomposed`: it has no kernel of its own. `view`: its outputs are views of its inputs. `written` are the places of
    arguments it writes to, `overwritten` of those it writes to without reading them.
    """

    name: str
    decomposed: bool
    view: bool
    written: frozenset[int | str]
    overwritten: frozenset[int | str]
    reads: bool
    fills: bool
    flops: Callable[..., int] | None


class OperatorCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Count operators into a tally while it is the current mode.

    An operator that only calls others is replaced by those: the dispatcher does the same in a real call, before any
    kernel runs. Operators within a kernel are not seen. Views move no bytes.
    """

    def __init__(self, tally: Tally) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tally = tally
        self._plans: dict[Any, _Plan] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        plan = self._plans.get(func)
        if plan is None:
            plan = self._plans[func] = _planned(func)
        if plan.decomposed:
            with self:
                return func.decompose(*args, **named)
        result = func(*args, **named)
        if plan.view:
            self._tally.add(plan.name)
        else:
            self._account(plan, args, named, result)
        return result

    def _account(self, plan: _Plan, args: tuple[Any, ...], named: dict[str, Any], result: Any) -> None:
        given = [*enumerate(args), *named.items()]
        inputs = [tensor for place, value in given if place not in plan.overwritten for tensor in _tensors(value)]
        targets = [tensor for place, value in given if place in plan.written for tensor in _tensors(value)]
        known = {_storage(tensor) for tensor in (*inputs, *targets)}
        outputs = list(_tensors(result))
        fresh = [output for output in outputs if _storage(output) not in known]
        only_views = bool(outputs) and not fresh and not targets
        written = sum(map(_bytes, (*targets, *fresh))) if plan.fills else 0
        self._tally.add(
            plan.name,
            read=sum(map(_bytes, inputs)) if plan.reads and not only_views else 0,
            written=written,
            allocations=tuple(size for size in map(_bytes, fresh) if size),
            flops=None if plan.flops is None else int(plan.flops(*args, **named, out_val=result)),
        )


def _planned(func: Any) -> _Plan:
    schema = func._schema
    base = schema.name.partition("::")[2]
    places: dict[int | str, Any] = {
        argument.name if argument.kwarg_only else place: argument for place, argument in enumerate(schema.arguments)
    }
    written = {place for place, argument in places.items() if _is_written(argument)}
    outs = {place for place in written if isinstance(place, str)}
    # A functional operator whose declared output may alias an input (`Tensor(a)`) gives a view.
    views = [value.alias_info is not None and not value.alias_info.is_write for value in schema.returns]
    return _Plan(
        name=schema.name,
        decomposed=is_decomposed(func),
        view=bool(views) and all(views) and not written,
        written=frozenset(written),
        overwritten=frozenset(written if base in _OVERWRITING else outs),
        reads=not (base.endswith("_like") or base.startswith("new_")),
        fills=not base.removeprefix("new_").startswith("empty"),
        flops=flop_registry.get(func._overloadpacket),
    )


def is_decomposed(func: Any) -> bool:
    """Say whether an operator has no kernel of its own and only calls others."""
    composite, own = (torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), key) for key in _KERNEL_KEYS)
    return bool(composite and not own)


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and bool(argument.alias_info.is_write)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        yield from _flat(value)


def _flat(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    return (value for value in values if isinstance(value, torch.Tensor))


def _bytes(tensor: torch.Tensor) -> int:
    if tensor.layout is not torch.strided or tensor.is_contiguous():
        return tensor.numel() * tensor.element_size()
    item = tensor.element_size()
    strides: Sequence[int] = [stride * item for stride in tensor.stride()]
    return reached_bytes(tensor.shape, strides, item)


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata if tensor.layout is torch.strided else id(tensor)
