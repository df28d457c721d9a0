import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from examples import system
from valuelex.domain.call import Missing
from valuelex.domain.labels import LabelKind, LabelledText, LabelSet
from valuelex.domain.measure import REASONS
from valuelex.errors import DataError
from valuelex.stages.calibrate import calibrate
from valuelex.stages.calibration_statistics import (
    Scored,
    area_under_curve,
    excess_by_group,
    midranks,
    rank_correlation,
    slope_within,
)

CARE = system({"heart": ("care",)})
BOTH = system({"heart": ("care", "skill")})


def label_set(rows, kind=LabelKind.SIGNED, annotators=("ann",)) -> LabelSet:
    """Rows of (labels of the annotators, text, group, unit), the last three with defaults."""
    texts = []
    for i, (annotations, *more) in enumerate(rows):
        if isinstance(annotations, dict):
            annotations = (annotations,)
        text, group, unit = (*more, *("I did.", "", f"u{i}")[len(more) :])
        texts.append(LabelledText(f"t{i}", "", text, group, unit, annotations))
    return LabelSet("made up", "", kind, annotators, tuple(texts))


def compared(labels, ratings, *, of=CARE, gated=False, missing=None, seed=0, n_resamples=200):
    values = np.asarray(ratings, dtype=float).reshape(len(labels.texts), -1)
    codes = np.full(values.shape, -1, np.int8)
    for (row, column), why in (missing or {}).items():
        values[row, column], codes[row, column] = np.nan, REASONS.index(why)
    return calibrate(
        labels,
        "judge",
        of,
        values,
        codes,
        gated=gated,
        n_available=len(labels.texts),
        rng=np.random.default_rng(seed),
        n_resamples=n_resamples,
    )


def scored(score, label, stratum=None, unit=None) -> Scored:
    n = len(score)
    return Scored(
        np.asarray(score, float),
        np.asarray(label, float),
        np.zeros(n, int) if stratum is None else np.asarray(stratum),
        np.arange(n) if unit is None else np.asarray(unit),
    )


def once(statistic, n_units):
    return statistic(np.ones((1, n_units)))[0]


# The statistics


def test_midranks_by_hand():
    # 1 is first, the 3s share places 2 and 3. With weights 2 and 1 on the 3s alone they share 1, 2 and 3.
    ranks = midranks(np.array([3.0, 1.0, 3.0]), np.array([[1.0, 1, 1], [2, 0, 1]]))
    assert ranks[0].tolist() == [2.5, 1, 2.5]
    assert ranks[1, [0, 2]].tolist() == [2, 2]


def test_the_area_by_hand():
    # High 5 and 3, low 2, 3 and 1: 5 passes all three, 3 passes two and ties with one: (3 + 2.5) / 6.
    data = scored([5, 3, 2, 3, 1], [1, 1, -1, -1, -1])
    area = once(area_under_curve(data, data.label > 0, data.label < 0), 5)
    assert area == pytest.approx([5.5 / 6])


def test_strata_are_never_ranked_against_each_other():
    # First stratum: 1 above 0, 1 pair of 1. Second: 5 above 4 but below 6, 1 of 2. Together 2 of 3. Ranked all
    # together, 1 passes 0 alone and 5 passes 0 and 4: 3 of 6.
    data = scored([1, 0, 5, 4, 6], [1, -1, 1, -1, -1], stratum=[0, 0, 1, 1, 1])
    assert once(area_under_curve(data, data.label > 0, data.label < 0), 5) == pytest.approx([2 / 3])
    pooled = scored(data.score, data.label)
    assert once(area_under_curve(pooled, data.label > 0, data.label < 0), 5) == pytest.approx([3 / 6])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_area_and_correlation_are_those_of_other_software(seed):
    rng = np.random.default_rng(seed)
    label = np.array([0, 1, *rng.integers(0, 2, 40)])
    score = rng.integers(0, 6, 42) + label
    data = scored(score, label)
    area = once(area_under_curve(data, label == 1, label == 0), 42)
    assert area == pytest.approx([roc_auc_score(label, score)])
    assert once(rank_correlation(data), 42) == pytest.approx([spearmanr(score, label).statistic])


def test_correlation_over_strata_is_weighted_by_their_rows():
    # Stratum 0: 1 over two rows. Stratum 1: -1 over three rows. Stratum 2 has no spread. (2 - 3) / 5.
    data = scored([1, 2, 3, 2, 1, 4, 4], [0, 1, 0, 1, 2, 0, 1], stratum=[0, 0, 1, 1, 1, 2, 2])
    assert once(rank_correlation(data), 7) == pytest.approx([-1 / 5])


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(np.int64, 8, elements=st.integers(0, 3)),
    hnp.arrays(np.int64, 8, elements=st.integers(0, 3)),
    hnp.arrays(np.int64, 8, elements=st.integers(0, 2)),
)
def test_a_weight_of_two_is_a_unit_that_stands_twice(score, label, weight):
    weight = np.r_[weight, 1, 1]
    score, label = np.r_[score, 0, 2], np.r_[label, 0, 1]
    group = np.arange(10) % 2
    x = np.linspace(-1, 1, 10)
    plain = scored(score, label)
    rows = np.repeat(np.arange(10), weight)
    twice = scored(score[rows], label[rows])
    pairs = [
        (rank_correlation(plain), rank_correlation(twice)),
        (
            area_under_curve(plain, label > 1, label <= 1),
            area_under_curve(twice, twice.label > 1, twice.label <= 1),
        ),
        (
            excess_by_group(plain, group, expected=None),
            excess_by_group(twice, group[rows], expected=None),
        ),
        (slope_within(plain, x, expected=None), slope_within(twice, x[rows], expected=None)),
    ]
    for of_weights, of_rows in pairs:
        found = of_weights(weight[None, :].astype(float))[0]
        np.testing.assert_allclose(found, once(of_rows, len(rows)), atol=1e-9)


# Agreement


def test_kappa_of_a_two_by_two_table_by_hand():
    # For/for 4, for/against 1, against/for 2, against/against 3: observed .7, by chance (5 * 6 + 5 * 4) / 100 = .5,
    # kappa (.7 - .5) / (1 - .5) = .4.
    said = [1] * 5 + [-1] * 5
    rating = [5] * 4 + [1] + [4] * 2 + [2] * 3
    found = compared(label_set([({"care": s},) for s in said]), rating)
    (target,) = found.targets
    assert target.kappa.value == pytest.approx(0.4)
    assert target.kappa.low < 0.4 < target.kappa.high
    assert target.confusion == {
        "against": {"against": 3, "neither": 0, "for": 2},
        "for": {"against": 1, "neither": 0, "for": 4},
    }
    assert target.n_labels == {"against": 5, "for": 5}
    assert "only 5 rated texts of one pole (5 high, 5 low)" in target.caveats


def test_exactly_three_is_neither():
    found = compared(label_set([({"care": s},) for s in (-1, 0, 1)]), [2.999, 3, 3.001])
    assert found.overall.kappa.value == 1
    assert found.overall.auc.value == 1


def test_scale_labels_are_compared_with_points():
    # Points 2, 1 and 4 for labels 0, 3 and 6: squared distances 4, 4, 4. Chance over all nine pairs:
    # (4 + 1 + 16 + 1 + 4 + 1 + 16 + 25 + 4) / 9 = 8. Kappa = 1 - 4 / 8.
    found = compared(label_set([({"care": s},) for s in (0, 3, 6)], LabelKind.SCALE), [2, 1, 4.4])
    assert found.overall.kappa.value == pytest.approx(0.5)
    assert found.overall.confusion["3"]["1"] == 1
    # The label 3 is of neither pole: 4.4 stands against 2 alone.
    assert found.overall.auc.value == 1
    # Bias by label: the rating less the label.
    assert [(b.level, b.estimate.value) for b in found.biases if b.by == "label"] == [
        ("0", 2),
        ("3", -2),
        ("6", pytest.approx(-1.6)),
    ]


def test_the_gate_is_compared_with_labels_of_relevance_and_its_no_is_not_missing():
    labels = label_set([({"care": s},) for s in (1, 1, 0, 0, 0)], LabelKind.RELEVANCE)
    missing = {(2, 0): Missing.IRRELEVANT, (3, 0): Missing.IRRELEVANT, (4, 0): Missing.REFUSED}
    found = compared(labels, [6, 0, 3, 3, 3], gated=True, missing=missing)
    assert found.overall.auc.value == 1
    assert found.overall.kappa.value == 1
    assert found.overall.n_missing == {"does not bear on it": {Missing.REFUSED: 1}}


def test_without_a_gate_it_is_the_distance_from_the_middle_and_no_category():
    # Distances 2 and 1 against 1 and .5: of 4 pairs 3 passed and one tied.
    labels = label_set([({"care": s},) for s in (1, 1, 0, 0)], LabelKind.RELEVANCE)
    found = compared(labels, [5, 2, 4, 3.5])
    assert found.overall.auc.value == pytest.approx(3.5 / 4)
    assert found.overall.kappa is None
    assert found.overall.alpha is None
    assert found.overall.confusion == {}


def test_missing_ratings_are_counted_by_label_and_reason_and_change_no_figure():
    labels = label_set([({"care": s},) for s in (1, -1, 1, -1, -1)])
    missing = {(2, 0): Missing.IRRELEVANT, (3, 0): Missing.REFUSED, (4, 0): Missing.REFUSED}
    found = compared(labels, [6, 0, 6, 6, 6], gated=True, missing=missing)
    assert found.overall.n_missing == {"against": {Missing.REFUSED: 2}, "for": {Missing.IRRELEVANT: 1}}
    assert found.overall.auc.value == 1


def test_labels_without_any_rating_are_refused():
    labels = label_set([({"care": 1},), ({"care": -1},)])
    with pytest.raises(DataError) as caught:
        compared(labels, [1, 1], missing={(0, 0): Missing.REFUSED, (1, 0): Missing.REFUSED})
    assert (
        str(caught.value)
        == "None of 2 labels has a rating by 'judge' beside it; read the reasons in the ledger."
    )


def test_ratings_of_another_shape_are_refused():
    labels = label_set([({"care": 1},), ({"care": -1},)])
    with pytest.raises(DataError) as caught:
        compared(labels, [[1, 2], [3, 4]])
    assert str(caught.value) == (
        "Ratings have shape (2, 2) and reasons (2, 2), but the labels describe (2, 1) (2 texts × 1 subdimensions)."
    )


def test_one_pole_alone_has_no_area_and_says_so():
    found = compared(label_set([({"care": 1},), ({"care": 1},)]), [4, 5])
    assert found.overall.auc is None
    assert found.overall.correlation is None
    assert "rated texts of both poles are needed for an AUC" in found.overall.caveats
    assert any(caveat.startswith("no kappa or alpha: ") for caveat in found.overall.caveats)


def test_labels_shuffled_are_at_chance():
    # 1,000 texts a pole: the standard error of the area is sqrt((2001) / (12 * 1000^2)) = .013.
    rng = np.random.default_rng(5)
    said = rng.permutation(np.repeat([-1, 1], 1000))
    right = np.where(said > 0, 4, 2) + rng.normal(size=2000).clip(-2, 2)
    found = compared(label_set([({"care": s},) for s in said]), right)
    assert found.overall.auc.value > 0.85
    shuffled = compared(label_set([({"care": s},) for s in rng.permutation(said)]), right)
    assert abs(shuffled.overall.auc.value - 0.5) < 4 * 0.013
    assert abs(shuffled.overall.kappa.value) < 0.1
    assert shuffled.overall.auc.low < 0.5 < shuffled.overall.auc.high


def test_poles_exchanged_change_no_figure():
    rng = np.random.default_rng(1)
    said, rating = rng.integers(-1, 2, 60), rng.integers(0, 7, 60)
    plain = compared(label_set([({"care": s},) for s in said]), rating).overall
    turned = compared(label_set([({"care": -s},) for s in said]), 6 - rating).overall
    for name in ("auc", "correlation", "kappa", "alpha"):
        assert getattr(plain, name).value == pytest.approx(getattr(turned, name).value)


def test_copies_in_a_unit_add_no_certainty():
    rng = np.random.default_rng(2)
    said, rating = np.repeat([-1, 1], 20), rng.integers(0, 7, 40)
    alone = compared(label_set([({"care": s}, "I did.", "", f"u{i:02}") for i, s in enumerate(said)]), rating)
    copied = label_set(
        [({"care": s}, "I did.", "", f"u{i:02}") for i, s in enumerate(said) for _ in range(5)]
    )
    many = compared(copied, np.repeat(rating, 5))
    assert (many.overall.n_texts, many.overall.n_units) == (200, 40)
    for end in ("value", "low", "high"):
        assert getattr(many.overall.auc, end) == pytest.approx(getattr(alone.overall.auc, end))
        assert getattr(many.overall.kappa, end) == pytest.approx(getattr(alone.overall.kappa, end))


# All subdimensions together, the ceiling and biases


def test_each_subdimension_has_its_figures_and_all_have_theirs():
    labels = label_set([({"care": 1, "skill": -1},), ({"care": -1, "skill": 1},), ({"care": -1},)])
    found = compared(labels, [[1, 4], [0, 5], [0, 0]], of=BOTH)
    assert [t.target for t in found.targets] == ["care", "skill", "all"]
    assert [t.n_texts for t in found.targets] == [3, 2, 5]
    assert [t.auc.value for t in found.targets] == [1, 1, 1]


def test_the_ceiling_is_the_second_annotator_in_the_place_of_the_judge():
    pairs = [(1, 1)] * 4 + [(1, -1)] + [(-1, 1)] * 2 + [(-1, -1)] * 3
    rows = [(({"care": a}, {"care": b}),) for a, b in pairs] + [(({"care": 1}, {}),)]
    found = compared(label_set(rows, annotators=("ann", "bo")), [5] * 11)
    (ceiling,) = found.ceilings
    # The table of the test of kappa: .7 equal, kappa .4. The text that bo left out holds no pair.
    assert (ceiling.target, ceiling.n_texts, ceiling.share_equal) == ("care", 10, 0.7)
    assert ceiling.kappa.value == pytest.approx(0.4)


def test_one_annotator_makes_no_ceiling():
    assert compared(label_set([({"care": 1},), ({"care": -1},)]), [4, 2]).ceilings == ()


def test_bias_by_group_is_beside_texts_of_the_same_label():
    # For: 5 and 4 by a, 3 by b, mean 4. Against: 2 by a, 0 by b, mean 1. a: (1 + 0 + 1) / 3, b: (-1 - 1) / 2.
    rows = [({"care": s}, "I did.", g) for s, g in ((1, "a"), (1, "a"), (1, "b"), (-1, "a"), (-1, "b"))]
    found = compared(label_set(rows), [5, 4, 3, 2, 0])
    assert [(b.level, b.n_ratings, b.estimate.value) for b in found.biases if b.by == "group"] == [
        ("a", 3, pytest.approx(2 / 3)),
        ("b", 2, -1),
    ]
    # By label it is the mean rating itself.
    assert [(b.level, b.estimate.value) for b in found.biases if b.by == "label"] == [
        ("against", 1),
        ("for", 4),
    ]


def test_bias_by_length_has_thirds_and_a_slope_for_each_doubling():
    # Ratings rise by .5 with each doubling of the words, whatever the label.
    words = [1, 2, 4, 8, 16, 32]
    rows = [(({"care": s},), "word " * n) for s in (-1, 1) for n in words]
    ratings = [1 + s + 0.5 * np.log2(n) for s in (0, 1) for n in words]
    found = compared(label_set(rows), ratings)
    by_length = [(b.level, b.estimate.value) for b in found.biases if b.by == "length"]
    # Mean of log2 words is 2.5; the thirds lie at .5, 2.5 and 4.5: -1, 0 and 1 points.
    assert by_length == [
        ("1 to 2 words", pytest.approx(-1)),
        ("4 to 8 words", pytest.approx(0)),
        ("16 to 32 words", pytest.approx(1)),
        ("slope", pytest.approx(0.5)),
    ]


def test_the_same_seed_gives_the_same_calibration():
    rng = np.random.default_rng(3)
    labels = label_set([({"care": s},) for s in rng.integers(-1, 2, 50)])
    rating = rng.uniform(0, 6, 50)
    assert compared(labels, rating, seed=4) == compared(labels, rating, seed=4)
    assert compared(labels, rating, seed=4) != compared(labels, rating, seed=5)
