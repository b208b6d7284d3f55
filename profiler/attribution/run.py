"""Attributes a run: budgets, gaps and claims, from its files alone."""

from __future__ import annotations

from typing import Any

from profiler.attribution.budget import Budget, budget_of, budget_table_rows
from profiler.attribution.claims import claim_table_rows
from profiler.attribution.draws import Draws
from profiler.attribution.evidence import Condition
from profiler.attribution.files import RunFiles
from profiler.attribution.gap import Gap, gap_between, gap_table_rows
from profiler.attribution.gather import Gathered
from profiler.attribution.ladder import ladder_table_rows
from profiler.attribution.switches import switch_table_rows
from profiler.store import RunDirectory
from profiler.tables.attribution import ATTRIBUTION
from profiler.tables.budget import BUDGET
from profiler.tables.claims import CLAIMS
from profiler.tables.files import write_table
from profiler.tables.ladder import LADDER
from profiler.tables.switches import SWITCHES

__all__ = ["attribute"]


def attribute(run: RunDirectory) -> None:
    """Write `budget`, `attribution`, `switches`, `ladder` and `claims` of a run, however far it came.

    Budgets are made in every condition. Gaps to the baseline are split where the fixed cost of a call is known: with
    one thread, from smallest inputs, and elsewhere where there are CPU samples.
    """
    gathered = Gathered(RunFiles(run))
    draws = Draws(gathered.manifest.seed)
    budgets: list[Budget] = []
    gaps: list[Gap] = []
    switches: list[dict[str, Any]] = []
    rungs: list[dict[str, Any]] = []
    for condition in gathered.conditions:
        here = _budgets(gathered, condition, draws)
        budgets += here
        switches += switch_table_rows(gathered, condition)
        rungs += ladder_table_rows(gathered, condition, draws)
        if condition.threads == 1 or any(_is_sampled(gathered, budget) for budget in here):
            gaps += _gaps(gathered, here)
    write_table(run, BUDGET, BUDGET.frame(row for budget in budgets for row in budget_table_rows(budget)))
    write_table(run, ATTRIBUTION, ATTRIBUTION.frame(row for gap in gaps for row in gap_table_rows(gap)))
    write_table(run, SWITCHES, SWITCHES.frame(switches))
    write_table(run, LADDER, LADDER.frame(rungs))
    write_table(run, CLAIMS, CLAIMS.frame(claim_table_rows(gathered)))


def _budgets(gathered: Gathered, condition: Condition, draws: Draws) -> list[Budget]:
    found = [gathered.evidence(name, condition) for name in gathered.implementations(condition)]
    return [budget_of(evidence, draws) for evidence in found if evidence is not None]


def _is_sampled(gathered: Gathered, budget: Budget) -> bool:
    evidence = gathered.evidence(budget.implementation, budget.condition)
    return evidence is not None and evidence.samples is not None


def _gaps(gathered: Gathered, budgets: list[Budget]) -> list[Gap]:
    name = gathered.manifest.baseline
    baseline = next((budget for budget in budgets if budget.implementation == name), None)
    if baseline is None:
        return []
    return [gap_between(budget, baseline, gathered) for budget in budgets if budget.implementation != name]
