"""The structure of terms beside that of ordinary words, and what is said of it."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from valuelex.domain.observed import Expectation, ObservedText, Topic
from valuelex.stages.observe import Matcher, TextCounts
from valuelex.stages.observed_structure import (
    TextSources,
    compare_structure,
    topics_first,
    verdict,
    why_no_structure,
)

N_RESPONDENTS, N_ITEMS = 8, 40


def corpus(seed, *, within=0.0, between=0.0, topic=0.6, style=0.3, shared=True):
    """Texts in which 15 terms of 3 groups and 240 ordinary words depend on topics and styles; terms on groups too."""
    rng = np.random.default_rng(seed)
    p, q, k = 15, 240, 3
    texts, rows = [], []
    of_topic = topic * rng.normal(size=(N_ITEMS, p + q))
    of_style = style * rng.normal(size=(N_RESPONDENTS, p + q))
    leaning = between * rng.normal(size=(N_RESPONDENTS, k))
    for m in range(N_RESPONDENTS):
        for t in range(N_ITEMS):
            use = of_topic[t] + of_style[m]
            use[:p] += (leaning[m] + within * rng.normal(size=k))[np.arange(p) % k]
            rows.append(rng.poisson(0.25 * np.exp(use)))
            item = f"i{t}" if shared else f"i{m}-{t}"
            texts.append(ObservedText(f"r{m}:{item}:0", f"r{m}", item, 0, None, 200, 0, ""))
    counts = np.array(rows, dtype=float)
    respondents = [SimpleNamespace(id=f"r{m}", family=f"f{m}") for m in range(N_RESPONDENTS)]
    sources = TextSources.of(texts, respondents)
    terms = TextCounts(tuple(f"t{i:02d}" for i in range(p)), sparse.csr_array(counts[:, :p]))
    words = TextCounts(tuple(f"w{i:03d}" for i in range(q)), sparse.csr_array(counts[:, p:]))
    return terms, Matcher(terms, [True] * p, words, dict.fromkeys(words.columns, True)), sources


def figures(seed=0, n_null=19, **made):
    terms, matcher, sources = corpus(seed, **made)
    with threadpool_limits(1, user_api="openmp"):
        return compare_structure(terms, matcher, sources, np.random.default_rng(0), n_null=n_null), sources


def test_groups_within_texts_are_more_than_ordinary_words():
    found, sources = figures(within=1.0)
    between, within = found.levels[:2]
    assert (within.level, within.expectation) == ("within", Expectation.ITEM)
    assert within.n_groups == 3
    assert within.p == 1 / 20
    assert between.p > 0.05
    said = verdict(found, sources)
    assert said[0].startswith(
        "Value terms show more structure than ordinary words of the same frequency within texts;"
    )
    assert "no more than groups of ordinary words do" in " ".join(said) or "no number of groups" in " ".join(
        said
    )


def test_groups_between_respondents_are_more_than_ordinary_words():
    found, sources = figures(between=0.8)
    between, within = found.levels[:2]
    assert between.p == 1 / 20
    assert within.p > 0.05
    assert "between respondents;" in verdict(found, sources)[0]


def test_topics_and_styles_are_no_value_system():
    found, sources = figures(1)
    assert all(level.p > 0.05 for level in found.levels[:2])
    said = verdict(found, sources)
    assert said[0] == (
        "Value terms show no more structure than ordinary words of the same frequency, at neither level: what groups "
        "there are can be each respondent's style of vocabulary and the topics it was asked about."
    )
    assert "40 of 40 items were answered by several respondents" in said[-1]


def test_without_shared_items_the_verdict_says_that_topics_stay():
    found, sources = figures(2, n_null=5, shared=False)
    assert found.levels[0].expectation is Expectation.RESPONDENT
    assert "groups within texts may be topics" in verdict(found, sources)[-1]


def test_the_same_seed_gives_the_same_figures():
    assert repr(figures(n_null=3)[0]) == repr(figures(n_null=3)[0])


@pytest.mark.parametrize(
    ("n_respondents", "n_terms", "said"),
    [
        (3, 40, "Texts of 3 respondents were counted; at least 4"),
        (5, 11, "11 terms were used often"),
    ],
)
def test_too_little_to_look_for_structure_is_said(n_respondents, n_terms, said):
    texts = [ObservedText(str(i), f"r{i}", "i", 0, None, 10, 0, "") for i in range(n_respondents)]
    respondents = [SimpleNamespace(id=f"r{i}", family="f") for i in range(n_respondents)]
    assert why_no_structure(TextSources.of(texts, respondents), n_terms).startswith(said)


def test_families_are_held_out_where_there_are_four():
    texts = [ObservedText(str(i), f"r{i}", "i", 0, None, 10, 0, "") for i in range(8)]
    of = lambda n: TextSources.of(texts, [SimpleNamespace(id=f"r{i}", family=f"f{i % n}") for i in range(8)])  # noqa: E731
    assert (of(4).unit_name, len(set(of(4).unit.tolist()))) == ("families", 4)
    assert (of(3).unit_name, len(set(of(3).unit.tolist()))) == ("respondents", 8)


def test_the_verdict_on_the_value_system_begins_with_its_topics():
    first, second = topics_first(["Two groups."], Topic(10, 8, 0.966, 0.01))
    assert "texts of other respondents to the same item show 97 %." in first
    assert second == "Two groups."
    for unknown in (None, Topic(10, 0, 0.5, 0.0), Topic(10, 8, float("nan"), 0.0)):
        assert topics_first([], unknown)[0].endswith("how much of them that is cannot be told.")
