from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from simulated_lists import simulated_lists
from valuelex.domain.factors import Agreement, FactorMatch, FactorPlan, FactorRoute, NoFactors
from valuelex.domain.incidence import Incidence
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Sources
from valuelex.errors import DataError
from valuelex.stages import factor_data, factor_route
from valuelex.stages.factor_data import ListData, named_columns
from valuelex.stages.factor_route import route_of_lists, route_of_ratings
from valuelex.stages.factor_words import verdict
from valuelex.stats.associations import ppmi_of_lists
from valuelex.stats.factor import efa
from valuelex.stats.flags import Flag, Weakness
from valuelex.stats.retention_table import RetentionRule

PLAN = FactorPlan(resamples=30)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def lists():
    return simulated_lists()


@pytest.fixture(scope="module")
def route(lists) -> FactorRoute:
    found = route_of_lists(*lists, PLAN, rng())
    assert isinstance(found, FactorRoute)
    return found


def test_planted_groups_are_the_factors(route, lists):
    assert route.n_factors == 3
    assert route.chosen_by == "as many as groups"
    assert route.agreement.adjusted_rand > 0.9
    assert sorted(m.group for m in route.matches) == [0, 1, 2]
    for match in route.matches:
        terms = np.flatnonzero(route.primary == match.factor)
        assert (lists[2][terms] == match.group).sum() == match.n_shared
        assert match.congruence > 0.85
        assert match.centroid > 0.85
    assert route.verdict.startswith("Factors and groups agree almost wholly (ARI ")
    assert "3 of 3 factors have a congruence of 0.85 or more" in route.verdict


def test_what_is_factored_is_the_ppmi_of_the_lists(route, lists):
    matrix, sources, _ = lists
    families = np.unique(np.asarray(sources.families), return_inverse=True)[1]
    expected = efa(ppmi_of_lists(matrix.named.dense(), families)(np.ones(12)), 3, normalise=True)
    np.testing.assert_allclose(route.pattern, expected.pattern, atol=1e-6)
    np.testing.assert_allclose(route.structure, route.pattern @ route.phi, atol=1e-9)
    np.testing.assert_allclose(
        route.communalities, np.diag(route.pattern @ route.phi @ route.pattern.T), atol=1e-9
    )


def test_families_are_resampled_where_there_are_enough(route):
    assert (route.resampled, route.n_units, route.n_resamples) == ("families", 12, 30)
    assert (route.pattern_low < route.pattern).all()
    assert (route.stability[route.primary >= 0] > 0.5).mean() > 0.8
    assert any(flag.startswith("FEW_UNITS: 12 independent units") for flag in route.flags)


def test_rules_stand_beside_with_their_disagreement(route):
    named = {rule.rule: rule for rule in route.rules}
    assert named["parallel analysis (factors), phi of lists"].suggests is not None
    assert "curveball" in named["parallel analysis (factors), phi of lists"].detail
    # 720 lists of 12 families are no 480 independent rows.
    assert named["empirical Kaiser criterion, phi of lists"].flags[0].startswith("FEW_UNITS: 720 rows")
    assert named["parallel analysis (factors), between profiles"].suggests is not None
    assert route.rules_agree.startswith(("The", "All"))


def test_other_matrices_are_held_against_both(route):
    others = {o.matrix: o for o in route.others}
    assert list(others) == ["phi", "between", "within"]
    for other in others.values():
        assert 0.3 < other.with_groups <= 1
        assert other.n_terms == 30
    # The groups are those of the route here, so both agreements are the same.
    assert others["phi"].with_groups == pytest.approx(others["phi"].with_route)


def test_unrelated_groups_agree_no_more_than_chance(lists):
    matrix, sources, group = lists
    found = route_of_lists(matrix, sources, np.sort(group), replace(PLAN, resamples=0), rng())
    assert found.agreement.p_value > 0.05
    assert "agree no more than chance would" in found.verdict


def test_number_of_factors_may_be_given_by_the_study(lists):
    found = route_of_lists(*lists, FactorPlan(n_factors=2, resamples=0), rng())
    assert (found.n_factors, found.chosen_by) == (2, "given by the study")
    assert "1 of 3 groups has no factor of its own" in found.verdict
    more = route_of_lists(*lists, FactorPlan(n_factors=4, resamples=0), rng())
    assert [m.group for m in more.matches].count(None) == 1
    assert "No group is left for factor" in more.verdict


def test_without_units_to_resample_there_are_no_intervals(lists):
    matrix, _, group = lists
    alone = Sources(*(("only",) * len(matrix.named.dense()),) * 3)
    found = route_of_lists(matrix, alone, group, PLAN, rng())
    assert (found.n_resamples, found.n_units) == (0, 1)
    assert np.isnan(found.pattern_low).all()
    assert np.isnan(found.stability).all()
    assert np.isnan(found.heywood_share)
    between = next(o for o in found.others if o.matrix == "between")
    assert between.reason.startswith("There are too few models or respondents with lists enough")


def test_a_term_in_every_list_or_in_none_is_left_out_and_named(lists):
    matrix, sources, group = lists
    values = matrix.named.dense()
    values[:, 2], values[:, 5] = 1, 0
    found = route_of_lists(
        replace(matrix, named=Incidence.of_dense(values)),
        sources,
        group,
        FactorPlan(matrix="phi", resamples=0),
        rng(),
    )
    assert found.left_out == ("w02", "w05")
    assert len(found.terms) == 28
    assert found.agreement.n_terms <= 28


def test_nothing_to_factor_is_said_and_no_crash(lists):
    matrix, sources, group = lists
    empty = ResponseMatrix.of_dense(
        matrix.named.dense() * 0, matrix.response_ids, matrix.respondent_ids, matrix.terms
    )
    assert route_of_lists(empty, sources, group, PLAN, rng()) == NoFactors(
        "The terms could not be factored: No response names a term, so there is nothing to correlate."
    )
    few = ResponseMatrix.of_dense(
        matrix.named.dense()[:, :4], matrix.response_ids, matrix.respondent_ids, matrix.terms[:4]
    )
    found = route_of_lists(few, sources, group[:4], FactorPlan(matrix="phi"), rng())
    assert isinstance(found, NoFactors)
    assert "3 factors cannot be extracted from 4 variables" in found.reason


def test_too_many_terms_are_not_factored(lists, monkeypatch):
    monkeypatch.setattr(factor_route, "MOST_TERMS", 29)
    found = route_of_lists(*lists, PLAN, rng())
    assert found.reason.startswith("30 terms are more than the 29 that are factored; raise [normalise]")


def test_one_group_is_nothing_to_agree_with(lists):
    matrix, sources, group = lists
    found = route_of_lists(matrix, sources, group * 0, replace(PLAN, resamples=0), rng())
    assert found.n_factors == 1
    assert found.verdict == (
        "The other route found one group, so there is no partition for the factors to agree with."
    )
    # One group of everything is no partition, so nothing agrees with it.
    assert found.agreement is None
    assert all(np.isnan(other.with_groups) for other in found.others)


def test_the_same_seed_gives_the_same_route(lists):
    one, same, other = (route_of_lists(*lists, FactorPlan(resamples=5), rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.pattern_low, same.pattern_low)
    assert one.rules == same.rules
    assert not np.array_equal(one.pattern_low, other.pattern_low)


def test_ratings_are_factored_with_their_gaps():
    source = rng(3)
    group = np.arange(12) % 3
    tastes = source.standard_normal((40, 3))
    values = np.clip(3 + tastes[:, group] + 0.7 * source.standard_normal((40, 12)), 0, 6)
    values[[0, 3, 9], [1, 4, 4]] = np.nan
    names = tuple(f"r{i}" for i in range(40))
    terms = [f"w{i:02d}" for i in range(12)]
    found = route_of_ratings(values, terms, Sources(names, names, names), group, PLAN, rng())
    assert found.matrix == "ratings"
    assert found.agreement.adjusted_rand > 0.9
    assert found.others == ()
    assert any("permuted" in rule.detail and "ratings" in rule.rule for rule in found.rules)
    values[:, 0] = np.nan
    values[:, 1] = 4.0
    fewer = route_of_ratings(values, terms, Sources(names, names, names), group, PLAN, rng())
    assert fewer.left_out == ("w00", "w01")
    assert fewer.rules[0].detail.startswith("not used: 0 of 40 respondents rated every term")


def rate(n_respondents, n_groups=3, n_terms=12):
    """Ratings with so many groups of terms, and the sources of respondents who are models of their own."""
    source, group = rng(4), np.arange(n_terms) % n_groups
    values = source.standard_normal((n_respondents, n_groups))[:, group] + source.standard_normal(
        (n_respondents, n_terms)
    )
    names = tuple(f"r{i}" for i in range(n_respondents))
    return values, [f"w{i:02d}" for i in range(n_terms)], Sources(names, names, names), group


def test_ratings_of_too_few_are_not_factored():
    few = FactorPlan(resamples=0)
    assert route_of_ratings(*rate(4), few, rng()) == NoFactors(
        "Too few respondents rated the terms to factor their correlations: 4, where at least 5 are needed. Ask more."
    )
    values, terms, sources, group = rate(7)
    found = route_of_ratings(values, terms, sources, group, FactorPlan(n_factors=6, resamples=0), rng())
    assert found == NoFactors(
        "Too few families rated the terms to factor their correlations: 7, where 6 factors need at least 8. Ask more, "
        "or set [factors] n_factors to 5 at most."
    )
    assert route_of_ratings(values, terms, sources, group, few, rng()).n_factors == 3
    # Who rated nothing is nobody.
    values[3:] = np.nan
    assert route_of_ratings(values, terms, sources, group, few, rng()).reason.startswith("Too few families")


def test_ratings_with_one_group_do_not_say_how_many_factors():
    values, terms, sources, group = rate(12)
    found = route_of_ratings(values, terms, sources, 0 * group, FactorPlan(resamples=0), rng())
    assert isinstance(found, NoFactors)
    assert found.reason.startswith("Too few groups to say how many factors to look for")
    given = route_of_ratings(values, terms, sources, 0 * group, FactorPlan(n_factors=2, resamples=0), rng())
    assert given.n_factors == 2


def test_all_columns_of_a_flag_are_named():
    detail = "3 of 9 columns have no spread (first: column 0, 2 and 1 more; the rarest is in 66% of them)"
    flag = named_columns(Flag(Weakness.SPARSE_CELLS, detail), ("care", "zeal", "awe"))
    assert factor_route._of_terms_only(str(flag)) == (
        "SPARSE_CELLS: 3 of 9 terms have no spread (first: 'care', 'awe' and 1 more; the rarest is in 66% of them)"
    )


def test_rules_name_the_terms_that_they_were_asked_of(monkeypatch):
    # One term is in every list and one in none, so the rules see the other four as columns 0 to 3.
    lists = np.tile(np.array([[1, 1, 0, 0, 1, 0], [0, 1, 1, 0, 0, 1]], dtype=np.uint8), (20, 1))
    flag = Flag(Weakness.HEYWOOD, "1 of 4 columns (first: column 3)")
    rule = RetentionRule("any", 1, "", False, (flag,))

    def asked(table=None, **_):
        assert table is None or table.shape == (40, 4)
        return SimpleNamespace(rules=(rule,) * 3)

    monkeypatch.setattr(factor_data, "retention_table", asked)
    terms = tuple("abcdef")
    who = np.array([str(i // 4) for i in range(40)])
    data = ListData(
        terms, sparse.csr_array(lists.astype(float)), who, np.zeros(0, dtype=np.str_), "respondents"
    )
    of_lists = [r for r in data.rules(2, rng()) if r.rule == "any, phi of lists"]
    assert [r.flags[0].detail for r in of_lists] == ["1 of 4 columns (first: 'f')"] * 2


@pytest.mark.parametrize(
    ("index", "p_value", "words"),
    [
        (0.9, 0.001, "agree almost wholly"),
        (0.8, 0.001, "agree well"),
        (0.65, 0.001, "agree moderately"),
        (0.2, 0.001, "agree in part, beyond chance"),
        (0.05, 0.03, "agree beyond shuffled terms, but on so few terms that it could be luck"),
        (0.02, 0.2, "agree no more than chance would"),
    ],
)
def test_words_follow_from_figures(index, p_value, words):
    agreement = Agreement(index, index - 0.1, index + 0.05, 0.5, 0.04, p_value, 30)
    matches = (FactorMatch(0, 0, 0.96, 0.9, 10), FactorMatch(1, 1, 0.7, 0.7, 3))
    said = verdict(agreement, matches, 2)
    assert words in said
    assert "1 of 2 factors has a congruence of 0.85 or more with their group, 1 of 0.95 or more" in said


def test_shapes_are_checked(route):
    with pytest.raises(
        DataError, match=r"pattern has shape \(29, 3\), but 30 terms and 3 factors make \(30, 3\)"
    ):
        replace(route, pattern=route.pattern[1:])
