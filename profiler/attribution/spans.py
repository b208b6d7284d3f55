"""Says in words for which cases something holds: in all, from a size on, up to one, or on some."""

from __future__ import annotations

from collections.abc import Sequence

from impls.case import ConvCase

__all__ = ["label", "where"]


def label(case: str, among: Sequence[str] = ()) -> str:
    """Name a case by its size, as `256x256`, by more where others among those given are of the same."""
    parsed = ConvCase.parse(case)
    size = _size(parsed)
    alike = [other for other in map(ConvCase.parse, among) if _size(other) == size and other != parsed]
    if not alike:
        return size
    kernel = _kernel(parsed)
    return case if any(_kernel(other) == kernel for other in alike) else f"{size} with {kernel}"


def where(held: Sequence[tuple[str, bool]]) -> str:
    """Say for which of the named cases something holds; '' where it holds for none.

    Cases are taken by kernel, from the smallest image to the largest.
    """
    if not any(holds for _, holds in held):
        return ""
    if all(holds for _, holds in held):
        return "in every case"
    groups: dict[str, list[tuple[str, bool]]] = {}
    for case, holds in sorted(held, key=lambda each: _pixels(each[0])):
        groups.setdefault(_kernel(ConvCase.parse(case)), []).append((case, holds))
    spans: dict[str, list[str]] = {}
    for kernel, group in groups.items():
        if any(holds for _, holds in group):
            spans.setdefault(_span(group), []).append(kernel)
    if len(groups) == 1:
        return next(iter(spans))
    return ", ".join(f"{span} with {_listed(kernels)}" for span, kernels in spans.items())


def _span(group: Sequence[tuple[str, bool]]) -> str:
    """Say for which of the cases of one kernel something holds; there is at least one."""
    names = [case for case, _ in group]
    labels = [label(case, names) for case in names]
    flags = [holds for _, holds in group]
    number = sum(flags)
    if number == len(flags) > 1:
        return "at all sizes"
    if number > 1 and all(flags[-number:]):
        return f"from {labels[-number]} on"
    if number > 1 and all(flags[:number]):
        return f"up to {labels[number - 1]}"
    return f"on {_listed([each for each, holds in zip(labels, flags, strict=True) if holds])}"


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _pixels(case: str) -> int:
    parsed = ConvCase.parse(case)
    return parsed.height * parsed.width


def _size(case: ConvCase) -> str:
    return f"{case.height}x{case.width}"


def _kernel(case: ConvCase) -> str:
    return f"{case.kernel_height}x{case.kernel_width}"
