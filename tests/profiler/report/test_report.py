"""The whole report against its golden copy, and reports of runs that are not whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from markdown_it import MarkdownIt

from profiler.attribution.run import attribute
from profiler.records import Captured
from profiler.report.completeness import missing_parts
from profiler.report.markdown import report_markdown
from profiler.report.run import write_report
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.claims import CLAIMS
from profiler.tables.files import read_table, write_table
from profiler.tables.samples import SAMPLES
from profiler.tables.summary import SUMMARY

BuildRun = Callable[..., RunDirectory]
_GOLDEN = Path(__file__).with_name("golden_report.md")


def _written(run: RunDirectory) -> str:
    """Attribute a run and give its report; the pictures, which take their time, are not drawn."""
    attribute(run)
    return report_markdown(RunView(run), frozenset())


def test_the_report_is_what_the_golden_copy_says(reported: RunDirectory, regenerate: bool) -> None:
    written = reported.report_path.read_text()
    if regenerate:
        _GOLDEN.write_text(written)
    assert written == _GOLDEN.read_text()


def test_the_first_line_is_the_verdict_and_the_sections_follow_in_order(reported: RunDirectory) -> None:
    lines = reported.report_path.read_text().splitlines()
    assert lines[0].startswith(
        "Here, on `ic1ih100oc1kh3ph1` with one thread, `article.numpy_loop` takes 1,420x the time of `torch.conv2d`"
    )
    headings = [line for line in lines if line.startswith(("# ", "## "))]
    assert headings == [
        "# Manual and library convolution on ic1ih100oc1kh3ph1, cpu, 1 and 2 threads",
        "## Ranking, 1 thread",
        "## Ranking, 2 threads",
        "## What each does in one call",
        "## Where the gaps come from, 1 thread",
        "## What the library does inside",
        "## From the article's loop to the library, rung by rung",
        "## What changes when, 1 thread",
        "## Cold and steady",
        "## The article's claims",
        "## The machine",
        "## How it was measured",
        "## Warnings",
        "## Traces",
        "## Files",
    ]
    assert "--resume" not in "\n".join(lines)


def test_every_table_is_rectangular_and_links_lead_to_files(reported: RunDirectory) -> None:
    text = reported.report_path.read_text()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    targets = [
        str(child.attrs.get("href") or child.attrs.get("src"))
        for child in inline
        if child.type in ("link_open", "image")
    ]
    local = [target for target in targets if not target.startswith("https://")]
    assert len(local) == 12 + 4
    for target in local:
        assert (reported.path / target).is_file(), target
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if block.startswith("| "):
            assert len({len(line) for line in lines}) == 1, lines[0]


def test_failures_are_listed_and_never_ranked(reported: RunDirectory) -> None:
    ranking, _, rest = reported.report_path.read_text().partition("### Not ranked")
    listed = rest.partition("## What each does")[0]
    assert "mine:shifted" not in ranking
    assert "- `mine:shifted`: wrong: element (0, 0, 0, 7) is off by 0.31, bound 1.9e-06" in listed
    assert "- `numba.direct`: unavailable: Numba is not installed" in listed
    assert "- mine:\\<b>x\\|y\\`: crashed: killed by SIGSEGV \\| see \\*\\*log\\*\\*" in listed


def test_a_run_with_nothing_measured_says_so_first(build_run: BuildRun, tmp_path: Path) -> None:
    bare = RunDirectory(tmp_path / "bare")
    bare.write_manifest(build_run().manifest())
    attribute(bare)
    write_report(bare)
    lines = bare.report_path.read_text().splitlines()
    assert lines[0] == (
        f"**Partial run:** nothing was measured yet. Complete it with `convprof analyze --resume {bare.path}`."
    )
    assert lines[2] == "Here nothing was measured, so there is no verdict."
    assert "- `numba.direct`: unavailable: Numba is not installed" in lines
    assert bare.html_path.is_file()


def test_a_run_that_was_stopped_says_what_it_lacks(build_run: BuildRun) -> None:
    run = build_run()
    kept = [line for line in run.journal_path.read_bytes().splitlines(keepends=True) if b'"measure"' not in line]
    run.journal_path.write_bytes(b"".join(kept[2:-6]))
    first = _written(run).splitlines()[0]
    assert first.startswith(
        "**Partial run:** 3 of 5 worker processes ended with 1 thread; 3 of 13 captures are missing."
    )
    assert "--resume" in first


@pytest.mark.parametrize(
    "absent", [("cold",), ("launches", "memory", "python", "ops", "counts"), ("ceilings",), ("summary",)]
)
def test_a_report_is_written_whatever_table_is_missing(build_run: BuildRun, absent: tuple[str, ...]) -> None:
    run = build_run(threads=[1])
    for name in absent:
        (run.tables / f"{name}.parquet").unlink()
    text = _written(run)
    assert text.splitlines()[0].startswith(("Here", "**Partial run"))
    assert "nan" not in text.replace("nanosecond", "")


def test_a_stale_plot_is_removed(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    run.plots.mkdir()
    (run.plots / "ranking-old.svg").write_text("<svg/>")
    attribute(run)
    write_report(run)
    assert not (run.plots / "ranking-old.svg").exists()
    assert len(list(run.plots.iterdir())) == 3


def test_the_command_is_repeated_with_its_seed_and_without_its_folder(
    article_run: RunDirectory, tmp_path: Path
) -> None:
    command = ["convprof", "analyze", "--out", "elsewhere", "--impl", "a b.py:f", "--seed=3"]
    run = RunDirectory(tmp_path)
    run.write_manifest(msgspec.structs.replace(article_run.manifest(), command=command))
    text = report_markdown(RunView(run), frozenset())
    assert "- the same run again: `convprof analyze --impl 'a b.py:f' --seed 7`\n" in text


def test_a_run_without_samples_but_with_tables_of_old_is_not_invented(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    run.write_frame(SAMPLES.frame([]), run.samples_path)
    write_table(run, CLAIMS, CLAIMS.frame([]))
    assert "nothing was measured yet" in _written(run)


def test_bounds_of_zero_are_no_bounds_to_be_near_to(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    summary = read_table(run, SUMMARY)
    write_table(run, SUMMARY, summary.assign(error_bound=0.0, max_error=0.0))
    write_report(run)
    assert "Outputs checked against" not in run.report_path.read_text()


def test_what_is_right_with_many_threads_alone_lacks_no_capture(build_run: BuildRun) -> None:
    run = build_run()
    summary = read_table(run, SUMMARY)
    one_thread = (summary["implementation"] == "c.direct") & (summary["threads"] == 1)
    summary.loc[one_thread, "status"] = "crashed"
    write_table(run, SUMMARY, summary)
    attribute(run)
    kept = [
        record for record in run.records() if not (isinstance(record, Captured) and record.implementation == "c.direct")
    ]
    run.journal_path.unlink()
    with run.journal() as journal:
        for record in kept:
            journal.append(record)
    assert missing_parts(RunView(run)) == []
