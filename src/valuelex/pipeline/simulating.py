"""Simulate studies, one after the other or several at once, until enough is known.

Owns the order of sizes and studies. Nothing is sent, and no study folder is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from math import ceil
from multiprocessing import get_context

from valuelex.domain.recovery import Experiment, Power, Recovery, Size, SizeRecovery
from valuelex.io import assets
from valuelex.pipeline.workspace import Progress, Silent
from valuelex.stages.families import WordRules
from valuelex.stages.recover import plant_words, reaches, simulate_study, summarise
from valuelex.stages.recover_ratings import simulate_rated_study

Simulate = Callable[[Size, range], Iterator[Recovery]]
"""Gives the studies of a size with these numbers, in their order."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every simulated study, what the studies of each size come to, and the answer if one was asked for."""

    studies: tuple[Recovery, ...]
    sizes: tuple[SizeRecovery, ...]
    power: Power | None


def run_simulation(experiment: Experiment, progress: Progress | None = None, jobs: int = 1) -> Outcome:
    """Simulate all studies of an experiment; with a target, up to the first size that is enough.

    Equal experiments have equal outcomes, whatever the number of processes.

    Parameters
    ----------
    experiment
        What to simulate. A system without words gets those of the shipped lexicon.
    progress
        Told of every study, by its responses.
    jobs
        Studies that are simulated at the same time, each in a process of its own.

    Raises
    ------
    DataError
        If there are too few words for the terms.
    """
    system = experiment.plan.system
    if experiment.mode == "list":
        system = plant_words(system, _rules())
    worded = replace(experiment, plan=replace(experiment.plan, system=system))
    with _simulator(worded, jobs) as simulate:
        if worded.target_ari is None:
            return _all_sizes(worded, simulate, progress or Silent())
        return _until_enough(worded, worded.target_ari, simulate, progress or Silent())


def _all_sizes(experiment: Experiment, simulate: Simulate, progress: Progress) -> Outcome:
    studies: list[Recovery] = []
    total = experiment.n_studies * sum(size.n_rows for size in experiment.sizes)
    with progress.calls("Simulating", total, "responses") as on_done:
        for size in experiment.sizes:
            for study in simulate(size, range(experiment.n_studies)):
                studies.append(study)
                on_done(size.n_rows)
    sizes = [
        summarise([s for s in studies if s.size == size], experiment.n_planted, None)
        for size in experiment.sizes
    ]
    return Outcome(tuple(studies), tuple(sizes), None)


def _until_enough(
    experiment: Experiment, target_ari: float, simulate: Simulate, progress: Progress
) -> Outcome:
    """Try sizes, the least first, until one passes twice: the second time in studies that did not choose it.

    A size is left as soon as too many of its studies have failed for it to pass; the last is simulated in full, so
    that it is known how far off it is.
    """
    n = experiment.n_studies
    may_fail = n - ceil(experiment.power * n - 1e-9)

    def attempt(size: Size, numbers: range, title: str, *, in_full: bool) -> list[Recovery]:
        found: list[Recovery] = []
        with progress.calls(title, n * size.n_rows, "responses") as on_done:
            for study in simulate(size, numbers):
                found.append(study)
                on_done(size.n_rows)
                if not in_full and sum(not reaches(s, target_ari) for s in found) > may_fail:
                    break
        return found

    def passes(found: list[Recovery]) -> bool:
        return len(found) == n and sum(not reaches(s, target_ari) for s in found) <= may_fail

    studies: list[Recovery] = []
    tried: list[SizeRecovery] = []
    enough: SizeRecovery | None = None
    sizes = sorted(experiment.sizes, key=lambda s: (s.n_rows, s.n_models))
    for size in sizes:
        last = size == sizes[-1]
        found = attempt(size, range(n), f"{size}", in_full=last)
        again = attempt(size, range(n, 2 * n), f"{size}, again", in_full=last) if passes(found) else []
        studies += found + again
        tried.append(summarise(found + again, experiment.n_planted, target_ari))
        if again and passes(again):
            enough = summarise(again, experiment.n_planted, target_ari)
            break
    power = Power(experiment.n_planted, target_ari, experiment.power, tuple(tried), enough)
    return Outcome(tuple(studies), tuple(tried), power)


@contextmanager
def _simulator(experiment: Experiment, jobs: int) -> Iterator[Simulate]:
    if jobs == 1:
        yield lambda size, numbers: map(partial(_study, experiment, size), numbers)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        try:
            yield lambda size, numbers: pool.map(partial(_study, experiment, size), numbers)
        finally:
            pool.shutdown(cancel_futures=True)


def _study(experiment: Experiment, size: Size, study: int) -> Recovery:
    if experiment.mode == "rate":
        return simulate_rated_study(experiment, size, study)
    return simulate_study(experiment, size, study, _rules())


@cache
def _rules() -> WordRules:
    return WordRules.from_tables(**assets.load_word_tables())
