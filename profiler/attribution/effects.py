"""What each switch of one implementation saves, from the times of all measured combinations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from profiler.attribution.evidence import Floats, SwitchEffect, Timing
from profiler.attribution.shapley import Contribution, contributions, interaction
from profiler.measure.statistics import percentile_interval
from profiler.records import Screened

__all__ = ["JOINT_SHARE", "effects_of"]

# DESIGN, section 6: where switches interact by more than this share, their causes cannot be told apart.
JOINT_SHARE = 0.2

_PROCESSES = 5  # for intervals that decide between two words only


def effects_of(tried: Sequence[Screened], timings: Mapping[frozenset[str], Timing]) -> list[SwitchEffect]:
    """Give the effect of every kept switch whose cell was measured.

    `timings` are by the set of switches thrown, the empty set for the implementation as it is. Composable switches
    share what all of them save (Shapley); one without all combinations, and alternatives, stand alone.
    """
    if frozenset() not in timings:
        return []
    kept = [each for each in tried if each.kept and frozenset((each.switch,)) in timings]
    players = _players([each.switch for each in kept if each.composable], timings)
    times = {thrown: _stacked(timing) for thrown, timing in timings.items()}
    shared = contributions(times, players)
    return [_effect(each, times, timings, players, shared) for each in kept]


def _players(names: Sequence[str], timings: Mapping[frozenset[str], Timing]) -> list[str]:
    """Choose the switches that were measured in every combination; of a chain that excludes itself, the last."""
    players: list[str] = []
    for name in reversed(names):
        subsets = _subsets([*players, name])
        if all(subset in timings for subset in subsets):
            players.append(name)
    return players[::-1]


def _subsets(names: Sequence[str]) -> list[frozenset[str]]:
    found = [frozenset[str]()]
    for name in names:
        found += [subset | {name} for subset in found]
    return found


def _stacked(timing: Timing) -> Floats:
    """Put the value before its replicates, so that one calculation does for both."""
    return np.concatenate([[timing.value], timing.replicates])


def _effect(
    screened: Screened,
    times: Mapping[frozenset[str], Floats],
    timings: Mapping[frozenset[str], Timing],
    players: Sequence[str],
    shared: Mapping[str, Contribution],
) -> SwitchEffect:
    name = screened.switch
    alone = times[frozenset()] - times[frozenset((name,))]
    found = shared.get(name, Contribution(alone, alone, alone))
    partner, strength = _strongest(name, times, players)
    return SwitchEffect(
        name=name,
        cause=screened.cause,
        summary=screened.summary,
        composable=screened.composable,
        seconds=float(found.shapley[0]),
        replicates=found.shapley[1:],
        first_in=float(found.first_in[0]),
        last_in=float(found.last_in[0]),
        partner=partner,
        interaction=strength,
        flips=_flips(found),
        switched=timings[frozenset((name,))],
    )


def _strongest(name: str, times: Mapping[frozenset[str], Floats], players: Sequence[str]) -> tuple[str, float]:
    """Find the switch with the largest interaction, if that is not noise."""
    partner, strength = "", 0.0
    for other in players:
        if name in players and other != name:
            found = interaction(times, name, other)
            low, high = percentile_interval(found[1:], _PROCESSES)
            if (low > 0 or high < 0) and abs(found[0]) > strength:
                partner, strength = other, abs(float(found[0]))
    return partner, strength


def _flips(found: Contribution) -> bool:
    """Say whether a switch that saves time alone costs time among the others, or the other way round."""
    first = percentile_interval(found.first_in[1:], _PROCESSES)
    last = percentile_interval(found.last_in[1:], _PROCESSES)
    return (first[0] > 0 and last[1] < 0) or (first[1] < 0 and last[0] > 0)
