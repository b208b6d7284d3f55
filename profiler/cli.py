"""The command line: thin commands, and the only place that prints or exits."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from impls.errors import ImplementationError
from profiler.errors import ConvprofError

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help needs no rich, and so answers in a fraction of the time
    help="Explain, with evidence, why a hand-written convolution and the library's take different times.",
)

EXIT_OK, EXIT_GATE, EXIT_USAGE, EXIT_IMPLEMENTATION, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout instead of text.")]
Run = Annotated[Path, typer.Argument(help="A run directory, for example reports/latest.")]


@app.callback()
def root(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the stack of an error; works after a command too.")
    ] = False,
) -> None:
    """Hold the options of all commands."""


@app.command()
def analyze(
    case: Annotated[
        list[str] | None, typer.Option(help="Case or preset (article, small, photo, sweep, claims); repeatable.")
    ] = None,
    impl: Annotated[
        list[str] | None,
        typer.Option(help="Implementation by name, or your own as path/to/file.py:function; repeatable."),
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="What the others are compared with.")] = None,
    device: Annotated[str, typer.Option(help="cpu, or cuda: an NVIDIA GPU.")] = "cpu",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of the second condition; all cores if unset.")
    ] = None,
    time: Annotated[float | None, typer.Option(min=1, help="Seconds the whole run may take.")] = None,
    call_limit: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds after which one call counts as hung.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of data and order; recorded in the manifest.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run directory to write; a new one under reports/ if unset.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Run directory to complete; its plan is kept.")] = None,
    nsys: Annotated[
        bool, typer.Option("--nsys", help="Record each implementation's calls with NVIDIA's Nsight Systems as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure, capture, attribute and report; without arguments, the article's case with all that can run here."""
    from profiler.analysis import Request, analyze_run, open_run, salvage
    from profiler.display import display

    request = Request(
        cases=tuple(case or ()),
        implementations=tuple(impl or ()),
        baseline=baseline,
        device=device,
        threads=threads,
        time_s=time,
        call_limit_s=call_limit,
        seed=seed,
        out=out,
        resume=resume,
        nsys=nsys,
        command=("convprof", *sys.argv[1:]),
    )
    run = open_run(request)
    try:
        with display(sys.stderr) as progress:
            analyze_run(run, progress)
        code = EXIT_OK
    except KeyboardInterrupt:
        typer.echo("convprof: interrupted; writing what was measured so far ...", err=True)
        salvage(run)
        typer.echo(f"convprof: complete it with `convprof analyze --resume {run.path}`", err=True)
        code = EXIT_INTERRUPTED
    _conclude(run, as_json=as_json, code=code)


def _conclude(run: Any, *, as_json: bool, code: int) -> None:
    from profiler.analysis import failures
    from profiler.report.overview import overview, overview_text

    failed = failures(run)
    for failure in failed:
        typer.echo(f"convprof: {failure}", err=True)
    typer.echo(_dumped(overview(run)) if as_json else overview_text(run))
    if code == EXIT_OK and failed:
        code = EXIT_IMPLEMENTATION
    raise typer.Exit(code)


@app.command()
def trace(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Kineto or Chrome .json[.gz], or Nsight Systems .sqlite or .nsys-rep."),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder to write; a new one under reports/ if unset.")] = None,
    as_json: AsJson = False,
) -> None:
    """Explain traces recorded elsewhere: kernels, launches, copies, and what the devices waited for."""
    from profiler.foreign import report_traces

    report = report_traces(files, out)
    typer.echo(_dumped(report.as_dict()) if as_json else report.as_text())


@app.command()
def gap(
    run: Run,
    subject: Annotated[str, typer.Argument(help="Implementation whose time is explained.")],
    baseline: Annotated[str, typer.Argument(help="Implementation it is compared with.")],
    as_json: AsJson = False,
) -> None:
    """Split the gap between any two implementations of a run, from its files alone."""
    from profiler.report.gap import gap_object, gap_text
    from profiler.store import RunDirectory

    directory = RunDirectory.open(run)
    typer.echo(_dumped(gap_object(directory, subject, baseline)) if as_json else gap_text(directory, subject, baseline))


@app.command("list")
def list_implementations(
    case: Annotated[str, typer.Option(help="Case or preset that availability is asked for.")] = "article",
    asm: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Show instead what was built for this one: the hot loop's code, or a CUDA kernel's and its resources.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the implementations, and why one cannot run here."""
    if asm is not None:
        from profiler.assembly import assembly, assembly_text

        built = assembly(asm, case)
        typer.echo(_dumped(built) if as_json else assembly_text(built))
        return
    from profiler.listing import listing, listing_text

    rows = listing(case)
    typer.echo(_dumped({"case": case, "implementations": rows}) if as_json else listing_text(rows))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what this machine allows, what is missing, and how to get it."""
    from profiler.doctor import diagnose, diagnosis_text

    findings = diagnose()
    typer.echo(
        _dumped({"findings": [finding.as_dict() for finding in findings]}) if as_json else diagnosis_text(findings)
    )
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(EXIT_GATE)


@app.command("open")
def open_report(
    run: Run,
    trace: Annotated[
        str | None, typer.Option(help="Open this implementation's trace in Perfetto instead of the report.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open a run's report in the browser, or a trace of it in Perfetto, and say where the files are."""
    from profiler.store import RunDirectory
    from profiler.viewing import TraceServer, find_trace, places

    directory = RunDirectory.open(run)
    found = places(directory)
    if trace is None:
        typer.echo(_dumped(found.as_dict()) if as_json else found.as_text())
        if not as_json and found.report is not None:
            typer.launch(found.report.as_uri())
        return
    path = find_trace(directory, trace)
    with TraceServer(path) as server:
        typer.echo(_dumped({"trace": str(path), "url": server.perfetto_url}) if as_json else server.as_text())
        typer.launch(server.perfetto_url)
        server.serve_until_read()


def _dumped(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its code; an error is one line, or the stack with --debug."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(args=given, prog_name="convprof", standalone_mode=False)
    except (ConvprofError, ImplementationError) as error:
        code = getattr(error, "exit_code", EXIT_USAGE)
        _complain(str(error), code, given, debug=debug)
    except typer.TyperException as error:
        code = EXIT_USAGE
        _complain(_usage_message(error, given), code, given, debug=debug)
    except (typer.Abort, KeyboardInterrupt):
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left (`| head`); python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_OK
    except OSError as error:
        code = EXIT_USAGE
        where = f"{error.filename}: " if error.filename else ""
        message = f"{where}{error.strerror or error}; name a folder that can be written, or make room"
        _complain(message, code, given, debug=debug)
    sys.exit(code or EXIT_OK)


def _interrupt(*_: object) -> None:
    """Treat SIGTERM, which `timeout` and a container's stop send, as Ctrl-C: what was measured is kept then too."""
    raise KeyboardInterrupt


def _complain(message: str, code: int, given: list[str], *, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    one_line = " ".join(message.split())
    if "--json" in given:
        typer.echo(json.dumps({"error": one_line, "exit_code": code}))
    typer.echo(f"convprof: {one_line}", err=True)


def _usage_message(error: typer.TyperException, given: list[str]) -> str:
    """Add what the parser leaves out: the value it could not take, and where the options are listed."""
    message = error.format_message()
    option = re.search(r"'(--[a-z-]+)'", message)
    if option is not None and option[1] in given[:-1]:
        message += f" (given: {given[given.index(option[1]) + 1]!r})"
    context = getattr(error, "ctx", None)
    command = f"{context.info_name} " if context is not None and context.parent is not None else ""
    return f"{message} (`convprof {command}--help` lists what is possible)"


if __name__ == "__main__":
    main()
