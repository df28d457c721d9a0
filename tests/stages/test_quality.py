from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from examples import MODEL, respondent, system
from rating_sets import TWO_BY_TWO, judged, people, simulated, stems
from valuelex.domain.measure import RatingArray
from valuelex.domain.quality import ALL, ConfoundCheck, Estimate, Quality
from valuelex.domain.study import JudgePlan
from valuelex.errors import DataError
from valuelex.stages.quality import measure_quality
from valuelex.stages.quality_warnings import quality_warnings
from valuelex.stages.severity import remove_severity

NAN = np.nan


def quality(*arrays: RatingArray, of=TWO_BY_TWO, families=1, sentiment=None, judges=(), who=None, seed=0):
    n_respondents = len({c.respondent_id for c in arrays[0].completions})
    n_stems = len({c.stem_id for c in arrays[0].completions})
    n = len(arrays[0].completions)
    return measure_quality(
        arrays,
        of,
        who or people(n_respondents, families),
        stems(n_stems, "AB"),
        np.full(n, NAN) if sentiment is None else sentiment,
        200,
        np.random.default_rng(seed),
        judges,
    )


def numbers(value, path="quality"):
    """Every number of a result with its path, nested ones too."""
    if is_dataclass(value):
        for field in fields(value):
            yield from numbers(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, tuple):
        for i, part in enumerate(value):
            yield from numbers(part, f"{path}[{i}]")
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from numbers(part, f"{path}[{key}]")
    elif isinstance(value, float | np.generic | np.ndarray):
        yield path, value


@pytest.fixture(scope="module")
def full() -> Quality:
    rng = np.random.default_rng(1)
    x = simulated(rng, (12, 10, 2, 4))
    y = np.clip(x + 0.4 + 0.3 * rng.normal(size=x.shape), 0, 6)
    y[rng.random(y.shape) < 0.1] = NAN
    texts = ["word " * int(n) for n in rng.integers(3, 30, 240)]
    arrays = [judged(x, of=TWO_BY_TWO, texts=texts), judged(y, of=TWO_BY_TWO, judge="j1", texts=texts)]
    return quality(*arrays, remove_severity(arrays), families=6, sentiment=rng.uniform(-1, 1, 240))


def test_everything_is_asked_and_the_panel_is_no_judge(full):
    assert full.judges == ("j0", "j1")
    assert (full.n_respondents, full.n_stems, full.n_draws, full.n_completions) == (12, 10, 2, 240)
    assert (full.resampled, full.clustered) == ("families", "stems")
    names = TWO_BY_TWO.subdimensions
    targets = [ALL, *(s.id for s in names), *(s.id for s in names)]
    assert [t.target for t in full.components] == [d.target for d in full.decisions] == targets
    assert len(full.items) == 40
    assert len(full.reliabilities) == 16
    assert (len(full.pairs), len(full.agreements), len(full.severities)) == (4, 4, 8)
    assert [h.level for h in full.halos] == ["respondent", "completion", "within"]
    assert len(full.discriminances) == 2
    assert len(full.profiles) == 48
    assert len(full.confounds) == 24


def test_no_number_is_nan_and_no_figure_is_without_a_reason(full):
    for path, value in numbers(full):
        assert isinstance(value, float), path
        assert np.isfinite(value), path
    missing = [e for r in full.reliabilities for e in (r.correlation, r.full_length) if e.value is None]
    assert missing
    assert all(e.reason for e in missing)


def test_the_same_seed_gives_the_same_quality():
    scores = simulated(np.random.default_rng(2), (6, 6, 2, 4))
    one, other = (quality(judged(scores, of=TWO_BY_TWO), seed=3) for _ in range(2))
    assert one == other
    assert one != quality(judged(scores, of=TWO_BY_TWO), seed=4)


@pytest.mark.parametrize(
    "size", [(1, 8, 2, 4), (8, 1, 2, 4), (6, 6, 1, 4), (1, 1, 1, 4), (1, 6, 1, 4), (2, 2, 1, 4), (8, 1, 1, 4)]
)
@pytest.mark.parametrize("n_judges", [1, 2])
def test_small_designs_give_reasons_and_no_error(size, n_judges):
    rng = np.random.default_rng(5)
    arrays = [judged(simulated(rng, size), of=TWO_BY_TWO, judge=f"j{j}") for j in range(n_judges)]
    found = quality(*arrays)
    for path, value in numbers(found):
        assert np.isfinite(value), path
    if size[0] == 1:
        assert all(d.present is None and d.reason for d in found.decisions)
    # A second judge needs twenty completions in common to count as one.
    assert any("one judge" in w for w in found.warnings) == (n_judges == 1 or np.prod(size[:3]) < 20)
    assert any("asked once" in w for w in found.warnings) == (size[2] == 1)


def test_what_does_not_fit_is_refused():
    array = judged(np.full((2, 3, 1, 1), 3.0))
    nothing = judged(np.full((2, 3, 1, 1), NAN))
    with pytest.raises(DataError, match=r"None of 6 completions has a rating on 'tiny' by any of 1 judge,"):
        quality(nothing, of=system())
    with pytest.raises(DataError, match="pass the system that was rated"):
        quality(array, of=TWO_BY_TWO)
    with pytest.raises(DataError, match=r"sentiment has shape \(5,\), but there are 6 completions"):
        quality(array, of=system(), sentiment=np.zeros(5))
    with pytest.raises(DataError, match=r"1 sentiments lie outside -1 to 1 \(first: 2\)"):
        quality(array, of=system(), sentiment=np.array([0, 0, 2.0, 0, 0, NAN]))
    with pytest.raises(DataError, match="No ratings were given"):
        quality(replace(array, judge="panel"), of=system())
    with pytest.raises(DataError, match=r"1 respondents of completions are not in the study \(first: 'r1'\)"):
        quality(array, of=system(), who=people(1))


def said(found: Quality, part: str) -> str:
    (sentence,) = [w for w in found.warnings if part in w]
    return sentence


def test_a_sound_test_gives_no_warning():
    rng = np.random.default_rng(6)
    x = simulated(rng, (20, 30, 2, 4), respondent_sd=0.7, both_sd=0.2, draw_sd=0.3)
    arrays = [
        judged(np.clip(x + 0.2 * rng.normal(size=x.shape), 0.6, 5.4), of=TWO_BY_TWO, judge=f"j{j}")
        for j in range(2)
    ]
    assert quality(*arrays, families=10).warnings == ()


def test_warnings_of_respondents_stems_and_scale():
    # Respondents do not differ, stems do, and half of all ratings are 6.
    rng = np.random.default_rng(7)
    scores = simulated(rng, (8, 10, 2, 4), respondent_sd=0.0, both_sd=0.0, stem_sd=0.2)
    scores[:, ::2] = 6.0
    scores[:, 1::2][rng.random((8, 5, 2, 4)) < 0.6] = NAN
    found = quality(judged(scores, of=TWO_BY_TWO))
    assert "makes less than 10% of the variance" in said(found, "Who answers")
    assert "Generalizability is below 0.7 on" in said(found, "Generalizability")
    assert "lie at the highest point" in said(found, "More than 15%")
    assert "ratings are missing" in said(found, "More than 20%")
    assert "All ratings come from one judge (j0)" in said(found, "one judge")


def test_a_warning_of_turned_stems_names_the_worst():
    scores = simulated(np.random.default_rng(8), (15, 8, 1, 1), respondent_sd=0.8, both_sd=0.1)
    scores[:, [2, 5]] = 6 - scores[:, [2, 5]]
    found = quality(judged(scores), of=system())
    sentence = said(found, "order respondents against")
    assert sentence.startswith("2 of 8 pairs of stem and subdimension")
    assert "s2" in sentence
    assert "s5" in sentence


def test_a_warning_of_one_factor_and_of_dimensions_that_are_one():
    rng = np.random.default_rng(9)
    common = simulated(rng, (20, 8, 1, 1), respondent_sd=0.8)
    scores = np.clip(common + 0.05 * rng.normal(size=(20, 8, 1, 4)), 0, 6)
    found = quality(judged(scores, of=TWO_BY_TWO))
    assert "they are rated as if they were one" in said(found, "Between respondents one factor")
    assert "HTMT 1.0" in said(found, "cannot be told apart")


def test_warnings_of_judges():
    rng = np.random.default_rng(10)
    arrays = [judged(simulated(rng, (8, 10, 1, 4)), of=TWO_BY_TWO, judge=f"j{j}") for j in range(2)]
    plan = JudgePlan("j0", "llm", MODEL, family="acme")
    other = replace(MODEL, name="other-1")
    who = [respondent(f"r{i}") for i in range(3)]
    who += [respondent(f"r{i}", family=f"other {i}", model=other) for i in range(3, 8)]
    found = quality(*arrays, judges=[plan], who=who)
    assert "Judges agree less than alpha 0.667" in said(found, "Judges agree")
    assert said(found, "shares family or maker").startswith(
        "Judge 'j0' shares family or maker with 3 respondents"
    )
    kept = quality(*arrays, judges=[replace(plan, exclude_family=True)], who=who)
    assert not any("shares family" in w for w in kept.warnings)


def test_judges_without_a_common_completion_are_no_panel_and_one_who_rated_nothing_is_no_judge():
    rng = np.random.default_rng(12)
    scores = simulated(rng, (8, 10, 1, 4))
    first, second = scores.copy(), scores.copy()
    first[:4], second[4:] = NAN, NAN
    apart = quality(*(judged(s, of=TWO_BY_TWO, judge=f"j{i}") for i, s in enumerate((first, second))))
    assert apart.judges == ("j0",)
    assert said(apart, "left out").startswith(
        "Judge 'j1' rated 40 completions and shares fewer than 20 of them"
    )
    empty = judged(np.full_like(scores, NAN), of=TWO_BY_TWO, judge="mute")
    alone = quality(judged(scores, of=TWO_BY_TWO), empty)
    assert alone.judges == ("j0",)
    assert said(alone, "rated nothing") == "Judge 'mute' rated nothing, and is left out of all figures."
    assert said(alone, "one judge")


def test_one_stem_tells_nothing_of_other_stems():
    found = quality(judged(simulated(np.random.default_rng(13), (20, 1, 4, 4)), of=TWO_BY_TWO))
    assert all(d.present is None and "With one stem" in d.reason for d in found.decisions)


def test_a_warning_of_length_needs_an_interval_without_zero():
    rng = np.random.default_rng(11)
    words = rng.integers(2, 40, 160)
    texts = ["word " * int(n) for n in words]
    scores = simulated(rng, (8, 20, 1, 1), draw_sd=0.2)
    by_length = np.clip(scores + 0.8 * (np.log(words) - 2.8).reshape(8, 20, 1, 1), 0, 6)
    followed = quality(judged(by_length, texts=texts), of=system())
    assert "Ratings follow the length of completions (|r| above 0.3 for Care" in said(followed, "length")
    assert not any("length" in w for w in quality(judged(scores, texts=texts), of=system()).warnings)


def test_a_correlation_that_may_be_chance_gives_no_warning(full):
    def warned(low):
        check = ConfoundCheck("length", "respondent", "a1", Estimate(0.5, low, 0.8, 12))
        return [
            w
            for w in quality_warnings(replace(full, confounds=(check,)), TWO_BY_TWO, (), ())
            if "length" in w
        ]

    assert warned(-0.1) == []
    assert warned(0.1) == [
        "Ratings follow the length of completions (|r| above 0.3 for A1; 0.50 on A1, over respondents); compare with "
        "results that have length removed."
    ]


@pytest.mark.parametrize("gone", ["respondent", "stem", "subdimension", "judge on a subdimension"])
def test_whatever_is_wholly_missing_gives_reasons_and_no_error(gone):
    rng = np.random.default_rng(12)
    scores = simulated(rng, (8, 6, 2, 4))
    other = np.clip(scores + 0.2 * rng.normal(size=scores.shape), 0, 6)
    where = {"respondent": np.s_[2], "stem": np.s_[:, 3], "subdimension": np.s_[..., 1]}
    if gone in where:
        scores[where[gone]] = NAN
        other[where[gone]] = NAN
    else:
        other[..., 1] = NAN
    found = quality(judged(other, of=TWO_BY_TWO, judge="j1"), judged(scores, of=TWO_BY_TWO))
    for path, value in numbers(found):
        assert np.isfinite(value), path
    table = next(t for t in found.components if (t.target, t.scores) == ("a2", "raw"))
    if gone == "subdimension":
        assert (table.components, table.n_ratings) == ((), 0)
        assert table.reason
        assert all(i.mean is None and i.missing == 1 for i in found.items if i.subdimension == "a2")
    if gone == "judge on a subdimension":
        assert "judge" not in [c.effect for c in table.components]
        assert any("One judge only (j0)" in note for note in table.notes)


def test_parts_that_order_respondents_the_other_way_round_have_no_reliability():
    # On the first subdimension form B turns form A round; Spearman-Brown of a negative correlation means nothing.
    rng = np.random.default_rng(5)
    true = rng.normal(3, 0.8, 12)
    scores = np.empty((12, 10, 1, 4))
    for s in range(10):
        turned = true if s % 2 == 0 else 6 - true
        scores[:, s, 0, :] = (turned + rng.normal(0, 0.1, 12))[:, None]
    found = quality(judged(np.clip(scores, 0, 6), of=TWO_BY_TWO))
    forms = next(r for r in found.reliabilities if r.kind == "alternate_forms")
    assert forms.correlation.value < -0.9
    assert forms.full_length.value is None
    assert forms.full_length.reason == (
        "The parts do not order respondents alike, so there is no reliability to step up."
    )
