"""The tables' reference in docs/ is what the declarations say."""

from __future__ import annotations

from pathlib import Path

from profiler.tables.reference import TABLES, reference_markdown

_DOCUMENT = Path(__file__).parents[3] / "docs" / "tables.md"


def test_docs_tables_is_what_the_declarations_say(*, regenerate: bool) -> None:
    if regenerate:
        _DOCUMENT.write_text(reference_markdown())
    assert _DOCUMENT.read_text() == reference_markdown(), "docs/tables.md is old: scripts/test --regenerate"


def test_the_design_s_columns_are_there() -> None:
    promised = {
        "samples": "implementation variant case threads mode process round calls seconds_per_call",
        "summary": "implementation family case threads status median_s ci_low_s ci_high_s samples processes ratio "
        "ratio_ci_low ratio_ci_high max_error error_bound",
        "cold": "implementation case stage median_s ci_low_s ci_high_s processes",
        "ops": "implementation case op calls self_s bytes_read bytes_written flops",
        "launches": "implementation case ops leaf_ops kernel_launches graph_launches memcpys memsets synchronizations",
        "memory": "implementation case compulsory_bytes op_bytes allocated_bytes allocations peak_bytes minor_faults "
        "h2d_bytes d2h_bytes",
        "kernels": "implementation case kernel stream launches device_s grid block registers shared_bytes",
        "python": "implementation case python_s python_share python_calls range_s",
        "budget": "implementation case cause seconds ci_low_s ci_high_s method status evidence",
        "attribution": "subject baseline case cause seconds ci_low_s ci_high_s share method status evidence",
        "claims": "claim statement verdict figure evidence",
    }
    tables = {table.name: [column.name for column in table.columns] for table in TABLES}
    for name, columns in promised.items():
        assert set(columns.split()) <= set(tables[name]), name
        if "case" in tables[name]:
            assert {"device", "threads"} <= set(tables[name]), name
