"""Decides what a run does: which implementations on which cases, with how many threads, and for how long."""

from __future__ import annotations

import datetime
import importlib.metadata
import secrets
from pathlib import Path

import msgspec

from impls.case import ConvCase
from impls.catalog import CATALOG, find, matching
from impls.contract import Availability, Implementation, kind_of
from impls.errors import UnknownImplementation
from impls.user import entry_point_names, name_of
from profiler.environment import read_environment
from profiler.errors import UsageError
from profiler.manifest import MANIFEST_VERSION, Manifest, PlannedImplementation, Unavailable
from profiler.measure.device import CPU
from profiler.measure.device_probe import facts_of

__all__ = ["DEFAULT_BASELINE", "default_call_limit", "is_shipped", "make_manifest"]

DEFAULT_BASELINE = "torch.conv2d"
_SEEDS = 2**31


def make_manifest(  # noqa: PLR0913 - a plan has as many parts as the command line can say
    *,
    cases: list[str],
    implementations: list[str],
    baseline: str | None,
    device: str,
    threads: int | None,
    time_s: float,
    call_limit_s: float | None,
    command: list[str],
    seed: int | None,
) -> Manifest:
    """Plan a run; imports no torch.

    `implementations` are names or 'path.py:function'; names restrict the run to them and the baseline, files are added,
    and files alone are added to all that ships. A file that cannot be loaded is planned all the same: its row says so.
    An entry point with the name of an implementation that ships is left out.
    Raises UsageError, UnknownImplementation, UserFunctionError (no Python file is named) and CaseNameError.
    """
    accelerator = facts_of(device)
    environment = msgspec.structs.replace(read_environment(), accelerator=accelerator)
    reference = baseline or DEFAULT_BASELINE
    planned = _planned(implementations, reference, device, baseline_asked_for=baseline is not None)
    return Manifest(
        version=MANIFEST_VERSION,
        convprof=importlib.metadata.version("convprof"),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        command=command,
        seed=secrets.randbelow(_SEEDS) if seed is None else seed,
        device=device,
        cases=cases,
        implementations=planned,
        unavailable=_unavailable(planned, cases, device),
        baseline=_entry(reference).name,
        threads=_conditions(threads, environment.usable_cores if device == CPU else 1),
        time_s=time_s,
        call_limit_s=default_call_limit(time_s) if call_limit_s is None else call_limit_s,
        environment=environment,
    )


def default_call_limit(time_s: float) -> float:
    """Give the seconds after which a call counts as hung unless the user says: an eighth of the run, 5 at least."""
    return max(5.0, time_s / 8)


def _conditions(threads: int | None, most: int) -> list[int]:
    """List the numbers of threads: one always, and the user's or `most`; a device does not get faster by the host's."""
    return list(dict.fromkeys([1, most if threads is None else threads]))


def _planned(asked: list[str], baseline: str, device: str, *, baseline_asked_for: bool) -> list[PlannedImplementation]:
    """List the implementations: the primary ones or those named, then what the user brings; the baseline among them."""
    named = [entry for text in dict.fromkeys(asked) for entry in _entries(text)]
    shipped = [] if any(entry.source != "file" for entry in named) else _everything(device)
    reference = _entry(baseline, asked_for=baseline_asked_for)
    planned: dict[str, PlannedImplementation] = {}
    # What the user named comes last, so that it stands as asked for; its place stays that of the first mention.
    for entry in [*shipped, reference, *named]:
        _check_same(planned.get(entry.name), entry)
        if not (entry.name in planned and planned[entry.name].asked_for):
            planned[entry.name] = entry
    return list(planned.values())


def _check_same(one: PlannedImplementation | None, other: PlannedImplementation) -> None:
    if one is not None and (one.source, one.location) != (other.source, other.location):
        places = " and ".join(entry.location or entry.source for entry in (one, other))
        raise UsageError(f"{places} would both be called {other.name}; rename one of the files or functions")


def _everything(device: str) -> list[PlannedImplementation]:
    """List what is planned where nothing is named: the primary ones of the device, and what packages offer."""
    primary = [each for each in CATALOG if each.primary and kind_of(device) in each.devices]
    catalog = [_from_catalog(implementation) for implementation in primary]
    return catalog + [_from_entry_point(name) for name in entry_point_names() if not is_shipped(name)]


def is_shipped(name: str) -> bool:
    """Say whether a name is that of an implementation that ships: no installed package can take it over."""
    try:
        find(name)
    except UnknownImplementation:
        return False
    return True


def _entries(text: str) -> list[PlannedImplementation]:
    """Give what one word of the user names: one implementation, or all that a pattern fits.

    Of a pattern's, one that cannot run here is no failure of what was asked for.
    """
    if any(sign in text for sign in "*?") and not _names_file(text):
        return [_from_catalog(implementation) for implementation in matching(text)]
    return [_entry(text, asked_for=True)]


def _entry(text: str, *, asked_for: bool = False) -> PlannedImplementation:
    if _names_file(text):
        file, _, function = text.rpartition(":")
        location = f"{Path(file).expanduser().resolve()}:{function}"
        return PlannedImplementation(
            name=name_of(text),
            family="manual",
            summary="a reader's own function",
            source="file",
            location=location,
            asked_for=asked_for,
        )
    if text in entry_point_names() and not is_shipped(text):
        return _from_entry_point(text, asked_for=asked_for)
    return _from_catalog(find(text), asked_for=asked_for)


def _names_file(text: str) -> bool:
    """Tell a file from a name; a bare path is one too, so that its error says what is missing."""
    return text.rpartition(":")[0].endswith(".py") or text.endswith(".py")


def _from_catalog(implementation: Implementation, *, asked_for: bool = False) -> PlannedImplementation:
    return PlannedImplementation(
        name=implementation.name,
        family=implementation.family,
        summary=implementation.summary,
        source="catalog",
        asked_for=asked_for,
    )


def _from_entry_point(name: str, *, asked_for: bool = False) -> PlannedImplementation:
    return PlannedImplementation(
        name=name,
        family="manual",
        summary="from an installed package (entry point)",
        source="entry_point",
        asked_for=asked_for,
    )


def _unavailable(planned: list[PlannedImplementation], cases: list[str], device: str) -> list[Unavailable]:
    """Ask what ships whether it can run each case here; a reader's own answers in its worker."""
    found: list[Unavailable] = []
    for entry in planned:
        if entry.source != "catalog":
            continue
        implementation = find(entry.name)
        for name in cases:
            answer = implementation.available(ConvCase.parse(name))
            if kind_of(device) not in implementation.devices:
                answer = Availability.no(_not_on(device, implementation))
            if not answer.available:
                found.append(Unavailable(implementation=entry.name, case=name, reason=answer.reason))
    return found


def _not_on(device: str, implementation: Implementation) -> str:
    return f"it does not compute on {device}; use --device {' or --device '.join(implementation.devices)}"
