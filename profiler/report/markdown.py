"""Writes report.md: gathers every section's Markdown and lays it out with a template."""

from __future__ import annotations

import shlex
from typing import Any

from profiler.attribution.evidence import Condition
from profiler.report.claims import claim_list
from profiler.report.cold import cold_processes, cold_table, compiling_line, import_line
from profiler.report.completeness import banner
from profiler.report.cpu_samples import cpu_sample_table
from profiler.report.device import device_start, device_table
from profiler.report.device_work import device_work_table
from profiler.report.escape import code, visible
from profiler.report.gaps import baseline_evidence, cause_list, gap_sections
from profiler.report.inside import inside_list
from profiler.report.ladder import ladder_notes, ladder_table
from profiler.report.launch_latency import latency_table, what_ran
from profiler.report.machine import limits, machine, method
from profiler.report.memory_use import compulsory_bytes, memory_table
from profiler.report.plots import plot_name
from profiler.report.ranking import failure_list, ranking_table, summary_list, threads_line, unclear_line
from profiler.report.switches import switch_table, switches_without_effect
from profiler.report.templating import environment
from profiler.report.threads import threads_of, threads_on
from profiler.report.traces import trace_list
from profiler.report.verdict import verdict
from profiler.report.view import RunView
from profiler.report.work import no_launches, work_table
from profiler.tables.reference import TABLES
from profiler.units import count, size

__all__ = ["report_markdown", "verdicts"]


def report_markdown(view: RunView, plots: frozenset[str]) -> str:
    """Write the report; `plots` are the names of the pictures that were drawn."""
    manifest = view.manifest
    first, *others = verdicts(view)
    threads = " and ".join(map(str, manifest.threads[:-1])) + " and " if len(manifest.threads) > 1 else ""
    threads += threads_on(manifest.device, manifest.threads[-1])
    return environment(escaping=False).get_template("report.md.j2").render(
        banner=banner(view),
        verdict=first,
        verdicts=others,
        title=f"Manual and library convolution on {', '.join(manifest.cases)}, {manifest.device}, {threads}",
        baseline=code(manifest.baseline),
        summaries=summary_list(view),
        rankings=[_ranking(view, condition) for condition in view.conditions],
        failures=failure_list(view),
        devices=[
            {"where": _where(view, condition), "table": table}
            for condition in view.first_conditions
            if (table := device_table(view, condition))
        ],
        works=[_work(view, condition) for condition in view.first_conditions],
        device_works=[
            {"where": _where(view, condition), "table": table}
            for condition in view.first_conditions
            if (table := device_work_table(view, condition))
        ],
        gaps=[_gap(view, condition, plots) for condition in view.first_conditions],
        insides=inside_list(view),
        ladders=[
            _ladder(view, condition, plots) for condition in view.first_conditions if ladder_table(view, condition)
        ],
        switches=[_switches(view, condition) for condition in view.conditions if switch_table(view, condition)],
        sampled=[
            {"where": _where(view, condition), "table": table}
            for condition in view.first_conditions
            if (table := cpu_sample_table(view, condition))
        ],
        colds=[_cold(view, condition) for condition in view.first_conditions if cold_table(view, condition)],
        claims=claim_list(view),
        machine=machine(manifest),
        limits=limits(view),
        limits_of="one thread" if manifest.device == "cpu" else f"copies and peak those of {manifest.device}",
        method=method(view),
        warnings=[f"{code(notice.code)}: {view.told(notice.text)}" for notice in view.files.notices],
        traces=trace_list(view),
        samples=count(len(view.files.samples)),
        tables=", ".join(table.name for table in TABLES if (view.run.tables / f"{table.name}.parquet").is_file())
        or "none yet",
        command=_command(manifest.command, manifest.seed),
    )  # fmt: skip


def verdicts(view: RunView) -> list[str]:
    """Write one line for each case, in its condition with the fewest threads."""
    if not view.conditions:
        return ["Here nothing was measured, so there is no verdict."]
    return [verdict(view, condition) for condition in view.first_conditions]


def _where(view: RunView, condition: Condition) -> str:
    return f": {condition.case}" if len(view.manifest.cases) > 1 else ""


def _ranking(view: RunView, condition: Condition) -> dict[str, str]:
    threads = threads_of(condition)
    return {
        "heading": f"Ranking{_where(view, condition)}, {threads}",
        "table": ranking_table(view, condition),
        "unclear": unclear_line(view, condition),
        "threads": threads_line(view, condition),
        "plot": plot_name("ranking", condition),
        "alternative": f"Time per call of every implementation on {condition.case} with {threads}, with intervals",
    }


def _work(view: RunView, condition: Condition) -> dict[str, str]:
    return {
        "where": _where(view, condition),
        "table": work_table(view, condition),
        "no_launches": no_launches(view, condition),
        "latency": latency_table(view, condition),
        "what_ran": what_ran(view, condition),
        "memory": memory_table(view, condition),
        "compulsory": size(compulsory_bytes(view, condition)),
    }


def _gap(view: RunView, condition: Condition, plots: frozenset[str]) -> dict[str, Any]:
    plot = plot_name("gaps", condition)
    sections = gap_sections(view, condition)
    return {
        "where": f"{_where(view, condition)}, {threads_of(condition)}",
        "plot": plot if plot in plots else "",
        "alternative": f"Share of each cause in the gap of every manual implementation on {condition.case}",
        "causes": cause_list(view, condition),
        "elsewhere": any(each.case == condition.case and each != condition for each in view.conditions),
        "baseline": baseline_evidence(view, condition),
        "sections": sections,
        "refused": "" if sections else "No gap was split here: a side has no median.",
    }


def _ladder(view: RunView, condition: Condition, plots: frozenset[str]) -> dict[str, Any]:
    plot = plot_name("ladder", condition)
    return {
        "where": _where(view, condition),
        "table": ladder_table(view, condition),
        "notes": ladder_notes(view, condition),
        "plot": plot if plot in plots else "",
        "alternative": f"Time per call on {condition.case} from rung to rung, with what was predicted",
    }


def _switches(view: RunView, condition: Condition) -> dict[str, str]:
    return {
        "where": f"{_where(view, condition)}, {threads_of(condition)}",
        "table": switch_table(view, condition),
        "rest": switches_without_effect(view, condition),
    }


def _cold(view: RunView, condition: Condition) -> dict[str, Any]:
    return {
        "where": _where(view, condition),
        "table": cold_table(view, condition),
        "processes": cold_processes(view, condition),
        "importing": import_line(view, condition),
        "compiling": compiling_line(view, condition),
        "device": device_start(view, condition),
    }


def _command(command: list[str], seed: int) -> str:
    """Write the command that makes the same run in a new folder: the same seed, and no folder named."""
    kept: list[str] = []
    words = iter(command)
    for word in words:
        if word in ("--out", "--seed", "--resume"):
            next(words, None)
        elif not word.startswith(("--out=", "--seed=", "--resume=")):
            kept.append(word)
    return code(visible(shlex.join([*kept, "--seed", str(seed)])))
