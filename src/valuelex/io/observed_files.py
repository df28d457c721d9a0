"""Write what a study found in recorded texts.

Owns the forms of `observed_texts.parquet`, `observed_forms.csv`, `observed_rates.csv` and `observed.json`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from valuelex.domain.observed import FormUse, Observed, ObservedText, TermRate
from valuelex.io.files import plain, write_csv, write_json, write_parquet


def write_texts(folder: Path, texts: Sequence[ObservedText]) -> None:
    """Write observed_texts.parquet: one row for each recorded text, without the text, which is in the ledger."""
    names = [field.name for field in dataclasses.fields(ObservedText)]
    numbers = dict.fromkeys(("draw", "n_words", "n_mentions"), pl.Int64)
    columns = {
        name: [None if (v := getattr(t, name)) is None else v if name in numbers else str(v) for t in texts]
        for name in names
    }
    schema = {name: numbers.get(name, pl.String) for name in names}
    write_parquet(folder / "observed_texts.parquet", pl.DataFrame(columns, schema=schema))


def write_forms(folder: Path, forms: Sequence[FormUse]) -> None:
    """Write observed_forms.csv: every form that counted, by which rules, how often, and up to three examples."""
    most = max((len(form.examples) for form in forms), default=0)
    header = ["term", "form", "rules", "n_mentions", "n_denied"]
    header += [name for i in range(1, most + 1) for name in (f"text_{i}", f"example_{i}")]
    rows = (
        [
            *(form.term, form.form, " ".join(form.rules), form.n_mentions, form.n_denied),
            *(cell for example in form.examples for cell in (example.text_id, example.context)),
            *[None] * (2 * (most - len(form.examples))),
        ]
        for form in forms
    )
    write_csv(folder / "observed_forms.csv", header, rows)


def write_rates(folder: Path, rates: Sequence[TermRate]) -> None:
    """Write observed_rates.csv: one row for each respondent and term, and one, without a term, for all terms."""
    names = [field.name for field in dataclasses.fields(TermRate)]
    rows = ([None if (v := getattr(rate, name)) != v else v for name in names] for rate in rates)
    write_csv(folder / "observed_rates.csv", names, rows)


def write_observed(folder: Path, observed: Observed) -> None:
    """Write observed.json: structure at both levels with its nulls, what the topic makes, and the verdict."""
    content = {
        "terms_from": observed.terms_from,
        "n_texts": len(observed.texts),
        "n_words": observed.n_words,
        "levels": plain(observed.levels),
        "variation": plain(observed.variation),
        "topic": plain(observed.topic),
        "ordinary": {term: list(words) for term, words in observed.ordinary},
        "verdict": list(observed.verdict),
        "why_none": observed.why_none,
    }
    write_json(folder / "observed.json", "valuelex/observed/1", content)
