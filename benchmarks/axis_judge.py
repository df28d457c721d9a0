"""Check the axis judge on sentences whose standing is plain to a reader.

Rates the 72 sentences of tests/assets/judge_sentences.toml on `valuelex-2024` and prints, for each
subdimension and over all, the Spearman correlation of rating and label, the area under the ROC curve
(the chance that a high sentence is rated above a low one), and how often the subdimension that a
sentence was written for is the one with the most extreme rating (chance: 1 in 6), as rated and after
each subdimension's mean over the sentences is taken off, since axes differ in level. Neither the
sentences nor the result may be used to choose anchors.

Run: python benchmarks/axis_judge.py
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from valuelex.domain.structure import ValueSystem
from valuelex.io.assets import load_system
from valuelex.io.embed import MiniLM
from valuelex.stages.judge_axis import axis_ratings

SENTENCES = Path(__file__).parents[1] / "tests" / "assets" / "judge_sentences.toml"
SYSTEM = "valuelex-2024"
RESAMPLES, SEED = 2000, 2024

Array = NDArray[np.float64]


def rate(texts: list[str], system: ValueSystem, model: MiniLM) -> Array:
    """Rate texts on every subdimension: (n_texts, n_subdimensions), 0 to 6."""
    vectors = model.embed(texts)
    return np.column_stack(
        [axis_ratings(vectors, model.embed(s.high), model.embed(s.low)) for s in system.subdimensions]
    )


def share_most_extreme(ratings: Array, own: NDArray[np.int64], is_high: NDArray[np.bool_]) -> Array:
    """Tell how far the own subdimension is the highest (high sentence) or lowest (low): (n_texts,).

    1 where it alone is, 1/k where it ties with k - 1 others (ratings end at 0 and 6), else 0.
    """
    towards_pole = np.where(is_high[:, None], ratings, -ratings)
    at_top = towards_pole == towards_pole.max(axis=1, keepdims=True)
    shares: Array = at_top[np.arange(len(own)), own] / at_top.sum(axis=1)
    return shares


def auc_interval(ratings: Array, is_high: NDArray[np.bool_]) -> tuple[float, float]:
    """Percentile interval (95 %) of the ROC area over resampled sentences of each pole."""
    rng = np.random.default_rng(SEED)
    high, low = np.flatnonzero(is_high), np.flatnonzero(~is_high)
    areas = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([rng.choice(high, len(high)), rng.choice(low, len(low))])
        areas.append(roc_auc_score(is_high[drawn], ratings[drawn]))
    ci_low, ci_high = np.quantile(areas, [0.025, 0.975])
    return float(ci_low), float(ci_high)


def main() -> None:
    """Rate, compare with the labels and print the table."""
    items = tomllib.loads(SENTENCES.read_text(encoding="utf-8"))["sentences"]
    system = load_system(SYSTEM, Path())
    ids = [s.id for s in system.subdimensions]
    is_high = np.array([item["pole"] == "high" for item in items])
    own = np.array([ids.index(item["subdimension"]) for item in items])
    ratings = rate([item["text"] for item in items], system, MiniLM.load())
    on_own = ratings[np.arange(len(own)), own]
    extreme = share_most_extreme(ratings, own, is_high)
    extreme_centred = share_most_extreme(ratings - ratings.mean(axis=0), own, is_high)

    print("subdimension      n    rho    AUC  95 % CI         high    low  extreme  centred")
    groups = [(name, own == i) for i, name in enumerate(ids)] + [("all", np.ones(len(own), dtype=bool))]
    for name, of in groups:
        rho = spearmanr(on_own[of], is_high[of]).statistic
        area = roc_auc_score(is_high[of], on_own[of])
        ci_low, ci_high = auc_interval(on_own[of], is_high[of])
        means = [on_own[of & is_high].mean(), on_own[of & ~is_high].mean()]
        print(
            f"{name:<15}{of.sum():>4}{rho:>7.2f}{area:>7.2f}  {ci_low:.2f} to {ci_high:.2f}"
            f"{means[0]:>7.2f}{means[1]:>7.2f}{extreme[of].mean():>9.2f}{extreme_centred[of].mean():>9.2f}"
        )
    negated = np.array([" not " in item["text"] or " never " in item["text"] for item in items])
    print(
        f"with 'not' or 'never' ({negated.sum()}): AUC {roc_auc_score(is_high[negated], on_own[negated]):.2f}"
    )


if __name__ == "__main__":
    main()
