"""From rated terms to complete profiles of units, which structure is estimated from.

Owns who and what is left out for want of ratings, how gaps are closed, and the centring. Groups nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.rated_terms import RatedProfiles
from valuelex.domain.term_ratings import RatedMatrix
from valuelex.domain.wording import count
from valuelex.errors import DataError

Array = NDArray[np.float64]
LEAST_RATED = 0.5
"""Share of its cells with a rating below which a respondent, or a term, is left out."""
LEAST_SPREAD = 1e-9
"""Scale points; a smaller standard deviation is the error of summing."""
MOST_ROUNDS = 1000
"""Of the fit of rows and columns; it ends as soon as nothing moves."""


def rated_profiles(rated: RatedMatrix, unit_of: Mapping[str, str]) -> RatedProfiles:
    """Make complete profiles of rated terms, as they are and centred.

    A gap gets ``row + column`` of the least-squares fit to the ratings that are there: what is expected of this
    respondent and this term and nothing besides, so that it adds nothing to how terms go together. The profile
    of a unit is the mean of its respondents.

    Parameters
    ----------
    rated
        Respondents by terms.
    unit_of
        The unit of each respondent: itself, or its model.

    Returns
    -------
    RatedProfiles
        Units in the order of their first respondents.

    Raises
    ------
    DataError
        If fewer than two units or two terms have enough ratings.

    References
    ----------
    Cattell (1944), Psychological measurement: normative, ipsative, interactive, for the two forms.
    """
    given = ~np.isnan(rated.values)
    rows = given.mean(axis=1) >= LEAST_RATED
    columns = (
        given[rows].mean(axis=0) >= LEAST_RATED if rows.any() else np.zeros(len(rated.terms), dtype=bool)
    )
    rows &= given[:, columns].any(axis=1)
    kept = [name for name, stays in zip(rated.respondent_ids, rows.tolist(), strict=True) if stays]
    units = tuple(dict.fromkeys(unit_of[name] for name in kept))
    if len(units) < 2 or columns.sum() < 2:
        msg = (
            f"{len(units)} of {count(len({*unit_of.values()}), 'unit')} and {int(columns.sum())} of "
            f"{count(len(rated.terms), 'term')} "
            "have a rating in half of their cells; two of each are needed. Read the answers in term_ratings.parquet."
        )
        raise DataError(msg)
    values = rated.values[np.ix_(rows, columns)]
    filled = np.where(np.isnan(values), expected_cells(values), values)
    number = {unit: i for i, unit in enumerate(units)}
    member = np.eye(len(units))[[number[unit_of[name]] for name in kept]]
    raw: Array = (member.T @ filled) / member.sum(axis=0)[:, None]
    return RatedProfiles(
        units=units,
        terms=_named(rated.terms, columns),
        raw=raw,
        centred=_centred(raw),
        respondents_left_out=_named(rated.respondent_ids, ~rows),
        terms_left_out=_named(rated.terms, ~columns),
        n_filled=int(np.isnan(values).sum()),
    )


def _centred(raw: Array) -> Array:
    """Standardise each term over units, and take the mean of each unit off; a term without spread is 0 before.

    Without the first step the mean of a unit is mostly that of the terms that vary most, and taking it off would make
    these go together, and against the others.
    """
    off = raw - raw.mean(axis=0)
    spread = off.std(axis=0)
    z = np.divide(off, spread, out=np.zeros_like(off), where=spread > LEAST_SPREAD)
    centred: Array = z - z.mean(axis=1, keepdims=True)
    return centred


def expected_cells(values: Array) -> Array:
    """Fit ``row + column`` to the cells that are there, by least squares, and return the fit of all cells.

    Parameters
    ----------
    values : (n_rows, n_columns)
        NaN where a cell has no value. A row or column without any counts as 0.

    Returns
    -------
    (n_rows, n_columns)
    """
    there = ~np.isnan(values)
    known = np.where(there, values, 0.0)
    n_row, n_column = np.maximum(there.sum(axis=1), 1), np.maximum(there.sum(axis=0), 1)
    row = known.sum(axis=1) / n_row
    column = np.zeros(values.shape[1])
    for _ in range(MOST_ROUNDS):
        before = column
        column = ((known - row[:, None]) * there).sum(axis=0) / n_column
        row = ((known - column) * there).sum(axis=1) / n_row
        if np.abs(column - before).max() < 1e-12:
            break
    fit: Array = row[:, None] + column
    return fit


def _named(names: tuple[str, ...], which: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(name for name, chosen in zip(names, which.tolist(), strict=True) if chosen)
