"""What commands show: progress, counts, outcomes; and what they ask before they send.

Owns the terminal. Heavy modules are imported where they are used, so that help appears at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from valuelex.domain.wording import count

if TYPE_CHECKING:
    from valuelex.domain.cost import CostEstimate
    from valuelex.domain.lexicon import Response
    from valuelex.domain.measure import Completion
    from valuelex.domain.rated_terms import RatedTerms
    from valuelex.domain.results import Results
    from valuelex.pipeline import Status, Workspace


FAILURES_SHOWN = 20
"""Messages of failed calls that are printed; more are counted."""


def say(text: str) -> None:
    """Write a line beside the output proper."""
    typer.echo(text, err=True)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end a run with one line and exit code 130."""
    try:
        yield
    except KeyboardInterrupt as stop:
        say("\nStopped. All answers so far are kept; run again to go on.")
        raise typer.Exit(130) from stop


def approver(*, yes: bool) -> Callable[[Status], bool]:
    """Make what is asked before the first call: show the counts and the cost, ask on a terminal."""

    def approve(state: Status) -> bool:
        print_counts(state)
        if yes or not sys.stdin.isatty():
            return True
        return typer.confirm(f"Send {count(state.n_new, 'call')}?", default=True, err=True)

    return approve


def print_counts(state: Status) -> None:
    """Print the calls of each stage."""
    for c in state.counts:
        if c.n_planned or c.open_ended:
            failed = f", {c.n_failed} failed" if c.n_failed else ""
            failed += f", {c.n_unrecorded} not recorded" if c.n_unrecorded else ""
            typer.echo(
                f"  {c.stage:8} {c.n_planned:6} {'call' if c.n_planned == 1 else 'calls'}: {c.n_answered} in the "
                f"ledger{failed}, {'at most ' if c.at_most else ''}{c.n_new} new"
                f"{', and one for each term that is still to be found' if c.open_ended else ''}"
            )
    if state.n_observed:
        typer.echo(
            f"  observe  {state.n_observed:6} {'text that was' if state.n_observed == 1 else 'texts that were'} "
            "imported"
        )
    if state.n_new:
        most = "at most " if state.at_most else ""
        typer.echo(f"  New calls: {most}{state.n_new}, at most {state.max_new_tokens} tokens of answers.")
        _print_cost(state.cost)
    elif not any(c.open_ended for c in state.counts):
        n_unrecorded = sum(c.n_unrecorded for c in state.counts)
        why = (
            f"{count(n_unrecorded, 'answer')} can only be imported (valuelex import)" if n_unrecorded else ""
        )
        typer.echo(f"  Nothing to send: {why or 'every call is in the ledger'}.")


def _print_cost(cost: CostEstimate) -> None:
    """Print what new calls will cost; nothing where all of them are free."""
    from valuelex.domain.cost import show_usd

    if cost.unknown and not cost.most:
        typer.echo(
            f"  Cost: unknown; no price is known for {', '.join(cost.unknown)} (docs/how-to/costs.md)."
        )
    elif cost.most:
        dated = f" (prices of {cost.as_of})" if cost.as_of else ""
        about = f"about {show_usd(cost.expected)}, at most {show_usd(cost.most)} if no call is lost"
        typer.echo(f"  Cost{dated}: {about}.")
    if cost.unknown and cost.most:
        typer.echo(f"  Without those whose price is unknown: {', '.join(cost.unknown)}.")


def print_progress(state: Status) -> None:
    """Print what was spent, what failed, by reason, and how long the rest will take."""
    from valuelex.domain.cost import show_usd

    spent = state.spend
    if spent.cost or spent.unknown:
        untold = (
            f", without {count(spent.n_untold, 'reply', 'replies')} that told no usage"
            if spent.n_untold
            else ""
        )
        typer.echo(f"  Spent so far: {show_usd(spent.cost)}{untold}.")
    if spent.unknown:
        typer.echo(f"  Without models whose price is unknown: {', '.join(spent.unknown)}.")
    for label, names in state.other_names.items():
        typer.echo(f"  {label} answers under another name: {', '.join(names)}.")
    for failure in state.failures[:FAILURES_SHOWN]:
        typer.echo(f"  failed {count(failure.n, 'time')} ({failure.reason}): {failure.message}")
    if len(state.failures) > FAILURES_SHOWN:
        rest = sum(failure.n for failure in state.failures[FAILURES_SHOWN:])
        typer.echo(
            f"  failed {count(rest, 'time')} with {count(len(state.failures) - FAILURES_SHOWN, 'more message')}"
        )
    if state.n_new and state.seconds_left is not None:
        typer.echo(f"  Time left: about {duration(state.seconds_left)}, at the pace of the last answers.")


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return count(round(seconds), "second")


def print_outcome(results: Results, workspace: Workspace) -> None:
    """Print what could be used, what failed, and where the report is."""
    from valuelex.domain.call import Missing

    if results.observed is not None:
        texts = results.observed.texts
        read = sum(text.missing is None for text in texts)
        typer.echo(
            f"{read} of {count(len(texts), 'recorded text')} {'was' if read == 1 else 'were'} read: "
            f"{count(results.observed.n_words, 'word')}."
        )
        for sentence in results.observed.verdict or (results.observed.why_none,):
            typer.echo(sentence)
    elif results.found is not None:
        responses = results.found.responses
        readable, (n, besides) = sum(r.missing is None for r in responses), _recorded(responses)
        typer.echo(
            f"{readable} of {count(n, 'response')} could be read ({readable / n:.0%}){besides}; "
            f"{count(len(results.found.lexicon.terms), 'distinct term')}."
        )
        typer.echo(results.found.structure.verdict[0])
    elif results.rated is not None:
        _print_rated(results.rated)
    if not results.ratings:
        typer.echo(f"Report: {workspace.folder / 'report.html'}")
        return
    array = results.leading[0]
    rated = sum(any(value == value for value in row) for row in array.values.tolist())
    failed = sum(c.missing is Missing.CALL_FAILED for c in results.completions)
    failed += len({n.call_key for n in results.notes if n.missing is Missing.CALL_FAILED})
    if results.found is not None:
        failed += sum(r.missing is Missing.CALL_FAILED for r in results.found.responses)
    if failed:
        say(
            f"{count(failed, 'call has', 'calls have')} no answer and {'counts' if failed == 1 else 'count'} as "
            "missing; see valuelex status, and run again to send what is left."
        )
    n, besides = _recorded(results.completions)
    typer.echo(
        f"{rated} of {count(n, 'completion')} {'was' if rated == 1 else 'were'} rated{besides} (judge: {array.judge})."
    )
    typer.echo(f"Report: {workspace.folder / 'report.html'}")


def _recorded(answers: Sequence[Response] | Sequence[Completion]) -> tuple[int, str]:
    """Return how many answers were asked for or recorded, and in words how many others could have been."""
    from valuelex.domain.call import Missing

    n = sum(a.missing is Missing.NOT_RECORDED for a in answers)
    return len(answers) - n, f" and {n:,} more {'was' if n == 1 else 'were'} not recorded" if n else ""


def _print_rated(rated: RatedTerms) -> None:
    """Print what could be used of the ratings of terms, and what is found in them."""
    n, asked = int(rated.matrix.n.sum()), int(rated.matrix.n_asked.sum())
    n_terms = len(rated.matrix.terms)
    typer.echo(f"{n} of {asked} ratings could be read ({n / asked:.0%}); {n_terms} terms.")
    if rated.structure is not None:
        typer.echo(rated.structure.verdict[0])
    elif rated.reason:
        typer.echo(f"No groups of terms: {rated.reason}")


def print_orientations(results: Results) -> None:
    """Print where a single respondent stands on the first system."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        "", "orientation (0-6)", "95 % interval", "stems", "missing", title=escape(results.systems[0].title)
    )
    names = {s.id: f"  {escape(s.name)}" for s in results.systems[0].subdimensions}
    names |= {d.id: escape(d.name) for d in results.systems[0].dimensions}
    array = results.leading[0]
    found = {o.target: o for o in results.orientations if (o.system, o.judge) == (array.system, array.judge)}
    for dimension in results.systems[0].dimensions:
        for target in (dimension.id, *(s.id for s in dimension.subdimensions)):
            o = found[target]
            interval = "-" if o.ci_low is None or o.ci_high is None else f"{o.ci_low:.2f} to {o.ci_high:.2f}"
            estimate = "-" if o.estimate is None else f"{o.estimate:.2f}"
            table.add_row(names[target], estimate, interval, str(o.n_stems), str(o.n_missing))
    Console().print(table)


class Bars:
    """Bars on a terminal; elsewhere, such as in a log, a line at every tenth."""

    @contextmanager
    def calls(self, title: str, total: int, what: str = "calls") -> Iterator[Callable[[int], None]]:
        """Show a bar, or lines."""
        if not sys.stderr.isatty():
            yield _lines(title, total, what)
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
        """Say which computation begins."""
        say(f"{title} ...")

    def tell(self, sentence: str) -> None:
        """Say what the user must know of the results."""
        say(f"  {sentence}")


def _lines(title: str, total: int, what: str) -> Callable[[int], None]:
    started, done, shown = time.monotonic(), 0, 0
    say(f"{title}: {total} {what} ...")

    def on_done(n: int) -> None:
        nonlocal done, shown
        done += n
        tenth = 10 * done // total
        if tenth > shown:
            shown = tenth
            rate = done / max(time.monotonic() - started, 1e-3)
            say(f"{title}: {done} of {total}, {rate:.1f}/s, {(total - done) / rate:.0f} s left")

    return on_done
