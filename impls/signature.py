"""What a reader's function takes: tensors or arrays, and which parts of a case beyond image and weight."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Arrays, Availability
from impls.errors import UserFunctionError

__all__ = ["Signature", "read_signature"]

_OPTIONS = ("bias", "stride", "padding", "dilation", "groups")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_ARRAY_WORDS = ("ndarray", "NDArray")


@dataclass(frozen=True)
class Signature:
    """Say what a function takes: `options` are those of bias, stride, padding, dilation and groups that it has."""

    arrays: Arrays
    options: frozenset[str]

    def available(self, case: ConvCase) -> Availability:
        """Say whether the function, with what it takes, is asked for this case as it is, and if not what it lacks."""
        needed = {
            "bias": case.bias,
            "stride": (case.stride_height, case.stride_width) != (1, 1),
            "padding": not _keeps_size(case),
            "dilation": (case.dilation_height, case.dilation_width) != (1, 1),
            "groups": case.groups != 1,
        }
        lacking = [option for option in _OPTIONS if needed[option] and option not in self.options]
        if not lacking:
            return AVAILABLE
        words = " and ".join(lacking)
        assumed = " ('same' zero padding is assumed)" if "padding" in lacking else ""
        return Availability.no(
            f"the function takes no {words}{assumed}, and the case needs it; add a parameter {words}"
        )

    def arguments(self, case: ConvCase, bias: Any) -> dict[str, Any]:
        """Give the keyword arguments of a call: pairs (vertical, horizontal), groups as a number, bias or None."""
        values = {
            "bias": bias,
            "stride": (case.stride_height, case.stride_width),
            "padding": (case.padding_height, case.padding_width),
            "dilation": (case.dilation_height, case.dilation_width),
            "groups": case.groups,
        }
        return {option: value for option, value in values.items() if option in self.options}


def read_signature(function: Callable[..., Any], name: str) -> Signature:
    """Read what a function takes; raises UserFunctionError where f(image, weight) would not fit it."""
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:  # some functions written in C do not tell
        return Signature("torch", frozenset())
    _check_fit(parameters, name)
    takes_any = _takes_any_keyword(parameters)
    options = frozenset(option for option in _OPTIONS if takes_any or _by_keyword(parameters.get(option)))
    first_two = list(parameters.values())[:2]
    takes_arrays = any(_means_array(annotation) for annotation in _annotations(function, first_two))
    return Signature("numpy" if takes_arrays else "torch", options)


def _check_fit(parameters: Mapping[str, inspect.Parameter], name: str) -> None:
    positional = [parameter for parameter in parameters.values() if parameter.kind in _POSITIONAL]
    starred = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters.values())
    if len(positional) < 2 and not starred:
        raise UserFunctionError(
            f"{name} takes too few positional parameters ({len(positional)}); write it as f(image, weight)"
        )
    unknown = [
        parameter.name
        for parameter in parameters.values()
        if parameter not in positional[:2] and _required(parameter) and not _by_keyword(parameter, _OPTIONS)
    ]
    if unknown:
        raise UserFunctionError(
            f"{name} requires {', '.join(unknown)}, which it is not given; give it a default, "
            f"only {', '.join(_OPTIONS)} are known beyond image and weight"
        )


def _takes_any_keyword(parameters: Mapping[str, inspect.Parameter]) -> bool:
    """Say whether **options is there to be used; beside a bare *args it is a wrapper that hides what it wraps."""
    kinds = [parameter.kind for parameter in parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds and sum(kind in _POSITIONAL for kind in kinds) >= 2


def _required(parameter: inspect.Parameter) -> bool:
    starred = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.default is inspect.Parameter.empty and parameter.kind not in starred


def _by_keyword(parameter: inspect.Parameter | None, names: tuple[str, ...] = ()) -> bool:
    if parameter is None or (names and parameter.name not in names):
        return False
    return parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _keeps_size(case: ConvCase) -> bool:
    """Say whether the padding is 'same': half of the kernel's reach on each side."""
    return 2 * case.padding_height == case.dilation_height * (
        case.kernel_height - 1
    ) and 2 * case.padding_width == case.dilation_width * (case.kernel_width - 1)


def _annotations(function: Callable[..., Any], parameters: list[inspect.Parameter]) -> list[Any]:
    try:
        resolved = typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError, SyntaxError):
        resolved = {}  # names known to type checkers only: their words must do
    return [resolved.get(parameter.name, parameter.annotation) for parameter in parameters]


def _means_array(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return any(word in annotation for word in _ARRAY_WORDS)
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return issubclass(annotation, np.ndarray)
    parts = (typing.get_origin(annotation), *typing.get_args(annotation))
    return any(part is not None and part is not annotation and _means_array(part) for part in parts)
