"""Find terms in the recorded texts of a study, and compare their structure with that of ordinary words.

Joins the ledger with the stages that count and estimate. Texts are read one at a time, twice: once for terms and all
words, and once for the ordinary words that match. Sends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from valuelex.domain.lexicon import Lexicon, ResponseMatrix
from valuelex.domain.observed import Observed, RecordedText, recorded_names
from valuelex.domain.read_reply import read_reply
from valuelex.domain.study import Study
from valuelex.domain.wording import count
from valuelex.errors import DataError, StudyError
from valuelex.io import assets, files, observed_files
from valuelex.io.ledger import Answer
from valuelex.io.matrix_file import write_matrix
from valuelex.pipeline.workspace import Progress, Workspace, stage_rng
from valuelex.stages.families import WordRules
from valuelex.stages.observe import (
    Counted,
    Matcher,
    candidates,
    count_terms,
    count_words,
    ordinary_words,
    term_classes,
    uses_of,
)
from valuelex.stages.observed_rates import LEAST_TEXTS, common_terms, observed_lexicon, term_rates
from valuelex.stages.observed_structure import (
    N_NULL,
    Structure,
    TextSources,
    compare_structure,
    verdict,
    why_no_structure,
)
from valuelex.stages.term_search import TermSearch

Recorded = Callable[[], Iterator[Answer]]
"""Reads the recorded texts of a ledger, from the first, each time it is called."""
N_SHOWN = 5
"""Ordinary words that are named for each term."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found in recorded texts, and what a value system is built from."""

    observed: Observed
    lexicon: Lexicon
    matrix: ResponseMatrix


def recorded_texts(study: Study, recorded: Recorded) -> Iterator[RecordedText]:
    """Read the recorded texts of the study's respondents; those of others in the ledger are left out."""
    names = recorded_names(study.respondents)
    for answer in recorded():
        who = names.get(answer.call.model)
        if who is None:
            continue
        payload = json.loads(answer.payload)
        reply = read_reply(answer.call.key, payload)
        item, draw = answer.call.item_id, answer.call.draw
        yield RecordedText(
            id=f"{who}:{item}:{draw}",
            respondent_id=who,
            item_id=item,
            draw=draw,
            text=reply.text,
            prompt=str(payload["valuelex_import"].get("prompt", "")),
            missing=reply.missing,
            call_key=answer.call.key,
        )


def observe(workspace: Workspace, recorded: Recorded, progress: Progress, *, structure: bool) -> Seen | None:
    """Count the terms of a study in its recorded texts, write what was found, and return it.

    Parameters
    ----------
    workspace
        The study and its folder.
    recorded
        Reads the texts.
    progress
        Told which computation begins.
    structure
        False stops after the counts and rates.

    Returns
    -------
    Seen or None
        None where the study does not observe, or `structure` is False.

    Raises
    ------
    DataError
        If no text was recorded, none could be read, or hardly a term was found.
    """
    study, folder = workspace.study, workspace.folder
    if study.observe is None or study.normalise is None:
        return None
    progress.step("Counting terms in recorded texts")
    rules = WordRules.from_tables(**assets.load_word_tables())
    search = _search(study, rules)
    counted = count_terms(recorded_texts(study, recorded), search)
    _require_texts(counted, study, folder)
    observed_files.write_texts(folder, counted.texts)
    observed_files.write_forms(folder, counted.forms)
    sources = TextSources.of(counted.read, study.respondents)
    rates = term_rates(counted, sources)
    observed_files.write_rates(folder, rates)
    if not structure:
        return None
    chosen = common_terms(counted, study.normalise.min_respondents, study.normalise.keep)
    lexicon, matrix = observed_lexicon(counted, chosen)
    files.write_lexicon(folder, lexicon)
    write_matrix(folder, matrix)
    why_none = why_no_structure(sources, len(chosen))
    ordinary: tuple[tuple[str, tuple[str, ...]], ...] = ()
    found: Structure | None = None
    if not why_none:
        found, ordinary = _compare(study, recorded, counted, chosen, sources, search, rules, progress)
    observed = Observed(
        texts=counted.texts,
        forms=counted.forms,
        rates=rates,
        terms_from=study.observe.source,
        ordinary=ordinary,
        levels=found.levels if found else (),
        variation=found.variation if found else None,
        topic=found.topic if found else None,
        verdict=verdict(found, sources) if found else (),
        why_none=why_none,
    )
    observed_files.write_observed(folder, observed)
    return Seen(observed, lexicon, matrix)


def _search(study: Study, rules: WordRules) -> TermSearch:
    """Return the lexicon of a study: its terms, and what [normalise] says of them."""
    if study.observe is None or study.normalise is None:
        msg = "The study observes nothing; set [elicit] mode."
        raise StudyError(msg)
    plan, given = study.normalise, study.observe
    plain = TermSearch(rules, given.terms, given.forms)
    kept = {form: plain.term_of(form) or form for form in plan.keep}
    return TermSearch(rules, given.terms, {**given.forms, **kept, **plan.merge}, plan.drop)


def _compare(
    study: Study,
    recorded: Recorded,
    counted: Counted,
    chosen: NDArray[np.int64],
    sources: TextSources,
    search: TermSearch,
    rules: WordRules,
    progress: Progress,
) -> tuple[Structure, tuple[tuple[str, tuple[str, ...]], ...]]:
    progress.step("Counting ordinary words that match the terms")
    terms = counted.terms.keep(chosen)
    ordinary = ordinary_words(counted.words, search, rules, LEAST_TEXTS)
    abstract = term_classes(terms.columns, counted.forms)
    wanted = candidates(ordinary, uses_of(terms), abstract)
    if len(wanted) < len(terms.columns):
        msg = (
            f"{count(len(wanted), 'ordinary word is', 'ordinary words are')} as common as "
            f"{count(len(terms.columns), 'term')}, too few to compare with; import more texts."
        )
        raise DataError(msg)
    words = count_words(recorded_texts(study, recorded), ordinary.of_form, wanted)
    matcher = Matcher(terms, abstract, words, ordinary.is_abstract)
    # k-means of a few hundred words in several threads of OpenMP takes longer than in one.
    title = "Comparing with ordinary words"
    with threadpool_limits(1, user_api="openmp"), progress.calls(title, N_NULL, "sets") as told:
        found = compare_structure(
            terms, matcher, sources, stage_rng(study, "observe"), n_null=N_NULL, told=told
        )
    named = tuple((name, matcher.nearest(i, N_SHOWN)) for i, name in enumerate(terms.columns))
    return found, named


def _require_texts(counted: Counted, study: Study, folder: Path) -> None:
    """Stop where there is nothing to count."""
    if not counted.texts:
        there = ", ".join(recorded_names(study.respondents)) or "none"
        msg = (
            f"No text of the study's respondents was recorded ({there}); import them: valuelex import STUDY FILE "
            "--stage observe"
        )
        raise DataError(msg)
    if not len(counted.rows):
        observed_files.write_texts(folder, counted.texts)
        msg = (
            f"None of {count(len(counted.texts), 'recorded text')} could be read; their reasons stand in "
            f"{str(folder / 'observed_texts.parquet')!r}."
        )
        raise DataError(msg)
    if not counted.terms.columns:
        msg = f"No term of {study.observe.source if study.observe else ''} is in the recorded texts; name other terms."
        raise DataError(msg)
