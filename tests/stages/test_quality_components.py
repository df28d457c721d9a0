import json
from dataclasses import replace

import numpy as np
import pytest

import oracle
from rating_sets import TWO_BY_TWO, judged, people, simulated, stems
from valuelex.domain.quality import ALL
from valuelex.stages import quality_scores
from valuelex.stages.components import measure_components
from valuelex.stages.quality_table import lay_out

NAN = np.nan


def table_of(*arrays):
    n_respondents = len({c.respondent_id for c in arrays[0].completions})
    n_stems = len({c.stem_id for c in arrays[0].completions})
    return lay_out(arrays, people(n_respondents), stems(n_stems))


def components(*arrays):
    tables, decisions = measure_components(table_of(*arrays))
    return (
        {(t.target, t.scores): t for t in tables},
        {(d.target, d.scores): d for d in decisions},
    )


def variances(table):
    return {c.effect: c.variance.value for c in table.components}


def test_components_of_a_small_table_by_hand():
    # Two respondents (rows) on three stems, one draw: 1 2 6 / 3 4 5. Mean 3.5, row means 3 and 4, columns 2, 3, 5.5.
    # SS respondents 3 (.25 + .25) = 1.5, df 1; SS stems 2 (2.25 + .25 + 4) = 13, df 2.
    # SS total 6.25 + 2.25 + 6.25 + .25 + .25 + 2.25 = 17.5, so SS residual 3, df 2.
    # MS: 1.5, 6.5, 1.5. residual = 1.5; respondent = (1.5 - 1.5) / 3 = 0; stem = (6.5 - 1.5) / 2 = 2.5.
    scores = np.array([[1.0, 2, 6], [3, 4, 5]]).reshape(2, 3, 1, 1)
    tables, decisions = components(judged(scores))
    table = tables["care", "raw"]
    assert variances(table) == pytest.approx({"respondent": 0, "stem": 2.5, "residual": 1.5})
    assert [c.share for c in table.components] == pytest.approx([0, 0.625, 0.375])
    assert (table.method, table.n_ratings, table.n_missing) == ("ems", 6, 0)
    assert decisions["care", "raw"].stems_needed is None
    assert "respondents are not found to differ at all" in decisions["care", "raw"].sentence


def test_precision_by_hand():
    # Three respondents on two stems: 1 2 / 3 3 / 5 7. Row means 1.5, 3, 6; columns 3, 4; mean 3.5.
    # SS respondents 2 (4 + .25 + 6.25) = 21, df 2, MS 10.5; stems 3 (.25 + .25) = 1.5, df 1; total 6.25 + 2.25 +
    # .25 + .25 + 2.25 + 12.25 = 23.5, so residual 1, df 2, MS .5. respondent = (10.5 - .5) / 2 = 5.
    # The 7 is off the scale, so all are halved, and variances quartered: 1.25 and .125; stem (.375 - .125) / 3 = 1/12.
    scores = np.array([[1.0, 2], [3, 3], [5, 7]]).reshape(3, 2, 1, 1) / 2
    tables, decisions = components(judged(scores))
    assert variances(tables["care", "raw"]) == pytest.approx(
        {"respondent": 1.25, "stem": 1 / 12, "residual": 0.125}
    )
    decision = decisions["care", "raw"]
    # G with 2 stems: 1.25 / (1.25 + .0625); dependability: error (1/12 + 1/8) / 2 = 5/48.
    assert decision.present.generalizability.value == pytest.approx(1.25 / 1.3125)
    assert decision.present.dependability.value == pytest.approx(1.25 / (1.25 + 5 / 48))
    assert decision.present.relative_error == pytest.approx(0.25)
    assert decision.present.absolute_error == pytest.approx((5 / 48) ** 0.5)
    assert decision.present.generalizability.low < 1.25 / 1.3125 <= decision.present.generalizability.high
    assert [row.n_stems for row in decision.rows] == [1, 2, 4, 8]
    # .8 needs n with 1.25 / (1.25 + .125 / n) >= .8, so n >= .4: one. The interval narrows by .3 at 2 / .49 = 4.08
    # stems: 5, three more.
    assert decision.stems_needed == 1
    assert decision.sentence == (
        "3 more stems would narrow the interval of a respondent's score by 30 %. Generalizability is 0.95 with 2 "
        "stems; 1 would reach 0.8."
    )


@pytest.mark.parametrize("case", ["crossed", "missing"])
def test_components_and_precision_match_lme4(case):
    # lmer(y ~ 1 + (1|p) + (1|i) + ...) on 40 p x 20 i x 3 j, complete and with gaps (tests/oracles/variance.R): p are
    # respondents, i stems, j judges. Scores are halved to fit the scale, so variances are a quarter.
    known = json.loads((oracle.FOLDER / "variance.json").read_text())[case]
    cube = np.full((40, 20, 3), NAN)
    p, i, j = (np.array(known["labels"][facet]) - 1 for facet in "pij")
    cube[p, i, j] = np.array(known["scores"]) / 2 + 1.5
    arrays = [judged(cube[:, :, k].reshape(40, 20, 1, 1), judge=f"j{k}") for k in range(3)]
    tables, decisions = components(*arrays)
    ours = list(variances(tables["care", "raw"]).values())
    np.testing.assert_allclose(ours, np.array(known["variance"]) / 4, rtol=2e-5, atol=2e-6)
    if case == "crossed":
        theirs = known["decision"]
        at = list(zip(theirs["i"], theirs["j"], strict=True)).index((20, 3))
        assert decisions["care", "raw"].present.generalizability.value == pytest.approx(
            theirs["generalizability"][at], abs=1e-6
        )
        assert decisions["care", "raw"].present.absolute_error ** 2 == pytest.approx(
            theirs["absolute"][at] / 4, abs=1e-6
        )


def test_judges_and_draws_are_facets_where_there_are_several():
    # 1/2 the difference of two draws squared is an unbiased residual within (respondent, stem, judge): see the design.
    rng = np.random.default_rng(2)
    x = simulated(rng, (6, 8, 2, 1))
    first, second = judged(x), judged(np.clip(x + 0.3, 0, 6), judge="j1")
    tables, decisions = components(first, second)
    names = list(variances(tables["care", "raw"]))
    assert names == [
        "respondent",
        "stem",
        "judge",
        "respondent x stem",
        "respondent x judge",
        "stem x judge",
        "draw:(respondent x stem)",
        "respondent x stem x judge",
        "residual",
    ]
    # The second judge is the first plus .3: variance between them .3^2 / 2, and nothing else of judges.
    found = variances(tables["care", "raw"])
    assert found["judge"] == pytest.approx(0.045)
    assert found["respondent x judge"] == pytest.approx(0, abs=1e-9)
    # The interval holds for these judges, so their difference is no part of it: all of it is over 8 stems, and 8 / .49
    # = 16.3 narrow it by .3.
    assert decisions["care", "raw"].sentence.startswith("9 more stems would narrow the interval")
    assert {(r.n_stems, r.n_draws, r.n_judges) for r in decisions["care", "raw"].rows} == {
        (s, d, j) for s in (4, 8, 16, 32) for d in (2, 4) for j in (2, 4)
    }
    meanings = {c.effect: c.meaning for c in tables["care", "raw"].components}
    assert meanings["respondent x judge"] == "a judge favours a respondent"


def test_endless_stems_do_not_help_where_judges_favour_respondents():
    # Respondents stand -1.2 to 1.2; one judge adds .6 to every other of four and takes it from the rest, the other
    # judge the reverse. Means over the judges have variance .705; sum of d^2 / 14 of the interaction, with d = .6 in 16
    # cells and 7 degrees of freedom, is 5.76 / 7 = .823. So respondents .705 - .823 / 2 = .294, and with endless stems
    # .294 / .705 = .42.
    rng = np.random.default_rng(3)
    standing = 3 + np.linspace(-1.2, 1.2, 8)
    favour = 0.6 * np.array([1, -1, -1, 1, 1, -1, -1, 1])
    arrays = [
        judged(
            (standing + sign * favour)[:, None, None, None] + 0.01 * rng.normal(size=(8, 6, 1, 1)),
            judge=f"j{i}",
        )
        for i, sign in enumerate((1, -1))
    ]
    _, decisions = components(*arrays)
    assert decisions["care", "raw"].stems_needed is None
    assert decisions["care", "raw"].sentence.endswith(
        "judges favour different respondents: with endless stems it would be 0.42. Add judges instead."
    )


def test_draws_alone_are_replicates_and_the_total_has_subdimensions_as_a_facet():
    rng = np.random.default_rng(4)
    tables, decisions = components(judged(simulated(rng, (6, 8, 2, 4)), of=TWO_BY_TWO))
    assert list(variances(tables["a1", "raw"])) == ["respondent", "stem", "respondent x stem", "residual"]
    assert (
        tables["a1", "raw"].components[-1].meaning
        == "one completion differs from others of the same respondent and stem; all else"
    )
    assert "respondent x subdimension" in variances(tables[ALL, "raw"])
    # Two draws each: relative error is (respondent x stem + half the residual) over the number of stems.
    found = variances(tables["a1", "raw"])
    error = found["respondent x stem"] + found["residual"] / 2
    assert decisions["a1", "raw"].present.relative_error ** 2 == pytest.approx(error / 8)
    # Subdimensions are fixed: what is peculiar to them is no error of the total, so doubling stems must pay off fully.
    rows = {r.n_stems: r for r in decisions[ALL, "raw"].rows if r.n_draws == 2}
    assert rows[16].relative_error ** 2 == pytest.approx(rows[8].relative_error ** 2 / 2)


def test_ipsatised_profiles_have_components_of_their_own():
    # A respondent that is higher on everything has no profile: raw scores differ, ipsatised ones do not.
    rng = np.random.default_rng(5)
    level = 0.8 * rng.normal(size=(10, 1, 1, 1))
    scores = np.clip(3 + level + 0.2 * rng.normal(size=(10, 12, 1, 4)), 0, 6)
    tables, _ = components(judged(scores, of=TWO_BY_TWO))
    raw, own = (variances(tables["a1", form])["respondent"] for form in ("raw", "ipsatised"))
    assert raw > 0.2
    assert own < 0.01


def test_gaps_are_estimated_by_likelihood():
    rng = np.random.default_rng(6)
    scores = simulated(rng, (10, 12, 1, 1))
    scores[rng.random(scores.shape) < 0.2] = NAN
    tables, decisions = components(judged(scores))
    table = tables["care", "raw"]
    assert table.method == "reml"
    assert table.n_missing == int(np.isnan(scores).sum())
    assert table.n_ratings + table.n_missing == 120
    # Harmonic mean over respondents of how many stems were rated.
    each = (~np.isnan(scores)).sum(axis=(1, 2, 3))
    assert decisions["care", "raw"].present.n_stems == pytest.approx(10 / (1 / each).sum())


def test_many_ratings_with_gaps_have_their_draws_averaged(monkeypatch):
    monkeypatch.setattr(quality_scores, "MOST_WITH_DRAWS", 100)
    rng = np.random.default_rng(7)
    scores = simulated(rng, (6, 8, 2, 4))
    whole, _ = components(judged(scores, of=TWO_BY_TWO))
    scores[0, 0, 0, 0] = NAN
    tables, _ = components(judged(scores, of=TWO_BY_TWO))
    assert "draw:(respondent x stem)" in variances(whole[ALL, "raw"])
    assert "draw:(respondent x stem)" not in variances(tables[ALL, "raw"])
    assert any("Draws were averaged first" in note for note in tables[ALL, "raw"].notes)
    assert not any("One draw a stem" in note for note in tables[ALL, "raw"].notes)


@pytest.mark.parametrize(
    ("size", "effects", "said"),
    [
        ((1, 6, 2, 1), ["stem", "residual"], "One respondent only"),
        ((6, 1, 2, 1), ["respondent", "residual"], "One stem only"),
        ((6, 6, 1, 1), ["respondent", "stem", "residual"], "One draw a stem"),
        ((6, 6, 2, 1), ["respondent", "stem", "respondent x stem", "residual"], "One judge only (j0)"),
    ],
)
def test_a_facet_with_one_level_is_left_out_and_named(size, effects, said):
    tables, decisions = components(judged(simulated(np.random.default_rng(8), size)))
    table = tables["care", "raw"]
    assert list(variances(table)) == effects
    assert sum(said in note for note in table.notes) == 1
    if size[0] == 1:
        assert decisions["care", "raw"].present is None
        assert "nobody to compare" in decisions["care", "raw"].reason


def test_what_cannot_be_told_has_a_reason():
    tables, decisions = components(judged(np.full((3, 4, 1, 1), 2.0)))
    assert tables["care", "raw"].components == ()
    assert "All 12 scores are equal (2)" in tables["care", "raw"].reason
    assert decisions["care", "raw"].rows == ()
    one, _ = components(judged(np.full((1, 1, 1, 1), 2.0)))
    assert "one level each" in one["care", "raw"].reason


def test_permuting_respondents_changes_no_component():
    scores = simulated(np.random.default_rng(9), (6, 5, 2, 4))
    before, _ = components(judged(scores, of=TWO_BY_TWO))
    after, _ = components(judged(scores[[3, 1, 0, 5, 4, 2]], of=TWO_BY_TWO))
    for key, table in before.items():
        assert variances(after[key]) == pytest.approx(variances(table), abs=1e-12)


def test_wordings_count_as_draws_and_that_is_said():
    array = judged(simulated(np.random.default_rng(10), (4, 5, 2, 1)))
    worded = replace(array, completions=tuple(replace(c, wording=c.draw) for c in array.completions))
    tables, _ = components(worded)
    assert "Wordings of a stem count as draws of it." in tables["care", "raw"].notes
