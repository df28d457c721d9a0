"""Whole sets of ratings with labels, for the checks of measurement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from examples import respondent, system
from valuelex.domain.call import Missing
from valuelex.domain.measure import REASONS, Completion, RatingArray, Stem, StemKind
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import Respondent

IRRELEVANT = REASONS.index(Missing.IRRELEVANT)
TWO_BY_TWO = system({"d1": ("a1", "a2"), "d2": ("b1", "b2")})


def judged(
    scores: NDArray[np.float64],
    *,
    of: ValueSystem | None = None,
    judge: str = "j0",
    texts: Sequence[str] | None = None,
) -> RatingArray:
    """Ratings from (n_respondents, n_stems, n_draws, n_subdimensions); NaN is IRRELEVANT."""
    of = of or system()
    n_respondents, n_stems, n_draws, width = scores.shape
    completions = tuple(
        Completion(f"r{r}:s{s}:{d}", f"r{r}", f"s{s}", d, "I smiled.", None, "")
        for r in range(n_respondents)
        for s in range(n_stems)
        for d in range(n_draws)
    )
    if texts is not None:
        completions = tuple(
            Completion(c.id, c.respondent_id, c.stem_id, c.draw, text, None, "")
            for c, text in zip(completions, texts, strict=True)
        )
    values = np.asarray(scores, dtype=np.float64).reshape(-1, width)
    codes = np.where(np.isnan(values), IRRELEVANT, -1).astype(np.int8)
    return RatingArray(judge, of.name, values, codes, completions, tuple(s.id for s in of.subdimensions))


def people(n: int, families: int = 1) -> list[Respondent]:
    return [respondent(f"r{i}", family=f"f{i % families}") for i in range(n)]


def stems(n: int, forms: str = "") -> list[Stem]:
    return [
        Stem(
            f"s{i}", f"On day {i}, I", StemKind.NEUTRAL, "care", None, forms[i % len(forms)] if forms else ""
        )
        for i in range(n)
    ]


def simulated(
    rng: np.random.Generator,
    size: tuple[int, int, int, int],
    *,
    respondent_sd: float = 0.4,
    stem_sd: float = 0.4,
    both_sd: float = 0.3,
    draw_sd: float = 0.4,
) -> NDArray[np.float64]:
    """Ratings about the middle of the scale with known effects: (n_respondents, n_stems, n_draws, width)."""
    n, s, _, width = size
    scores = 3 + draw_sd * rng.normal(size=size)
    scores += respondent_sd * rng.normal(size=(n, 1, 1, width))
    scores += stem_sd * rng.normal(size=(1, s, 1, width))
    scores += both_sd * rng.normal(size=(n, s, 1, width))
    return np.clip(scores, 0, 6)
