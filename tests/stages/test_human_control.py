import json
from dataclasses import replace

import numpy as np
import pytest

from examples import respondent, response_matrix, study
from valuelex.domain.evidence import Level
from valuelex.domain.human_control import HumanControl, LevelControl
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.recorded import recorded_model
from valuelex.domain.study import Study
from valuelex.errors import DataError
from valuelex.stages.elicit import plan_elicitation
from valuelex.stages.human_control import Build, human_control, plan_as_human
from valuelex.stats.levels import count_lists, within_affinity


def controlled(*who) -> Study:
    plain = study(who)
    assert plain.elicit is not None
    return replace(plain, elicit=replace(plain.elicit, human_control=True, draws=2))


def test_the_same_prompts_and_draws_are_asked_of_a_human() -> None:
    of = controlled(respondent("chat"), respondent("raw", api="completion"))
    own, human = plan_elicitation(of), plan_as_human(of)
    assert [(c.respondent_id, c.item_id, c.draw) for c in human] == [
        (c.respondent_id, c.item_id, c.draw) for c in own
    ]
    assert {c.stage for c in human} == {"human"}
    assert not {c.key for c in human} & {c.key for c in own}
    as_self, played = json.loads(own[0].body)["messages"], json.loads(human[0].body)["messages"]
    assert played == [{"role": "system", "content": "You are an ordinary person."}, *as_self]
    assert json.loads(human[1].body)["prompt"].splitlines()[-1] == "Words (0) of an ordinary person:"
    # The examples before a raw prompt are those of the answers as oneself.
    assert (
        json.loads(human[1].body)["prompt"].splitlines()[:-1]
        == json.loads(own[1].body)["prompt"].splitlines()[:-1]
    )


def test_only_those_who_answer_as_themselves_are_asked() -> None:
    nurse = respondent("nurse", persona="nurse", subject="a nurse")
    recorded = respondent("other", model=recorded_model("other"), api="recorded")
    assert {c.respondent_id for c in plan_as_human(controlled(respondent("a"), nurse, recorded))} == {"a"}
    assert plan_as_human(controlled(nurse)) == ()
    assert plan_as_human(study()) == ()


TERMS = ("awe", "bond", "care", "duty")


def lists(*pairs: str, who: str = "a") -> ResponseMatrix:
    """Lists by the first letters of their terms, all of one respondent."""
    named = [[int(t[0] in pair) for t in TERMS] for pair in pairs]
    return response_matrix(np.array(named, dtype=np.uint8), [who] * len(pairs), TERMS)


def compare(own: ResponseMatrix, human: ResponseMatrix, build: Build) -> HumanControl:
    # All of one model, so that each respondent is independent.
    who = [respondent(name) for name in dict.fromkeys((*own.respondent_ids, *human.respondent_ids))]
    return human_control(own, human, build, who, np.random.default_rng(1))


def pooled(found: HumanControl) -> LevelControl:
    """Return the only level that there is of fewer than five sources."""
    (level,) = found.levels
    assert level.level is Level.POOLED
    return level


def by_partner(matrix: ResponseMatrix) -> np.ndarray:
    """Put each term in the group of the first term that it is named with, itself included."""
    together = matrix.named.dense().T.astype(int) @ matrix.named.dense()
    _, groups = np.unique(np.argmax(together > 0, axis=1), return_inverse=True)
    return groups


def test_the_same_structure_both_ways_agrees_fully() -> None:
    own = lists("ab", "cd", "ab", "cd")
    found = compare(own, own, by_partner)
    assert found.as_self.tolist() == found.as_human.tolist() == [0, 0, 1, 1]
    assert (found.adjusted_rand, pooled(found).pair_congruence.value) == (1, pytest.approx(1))
    assert pooled(found).group_congruence == pytest.approx((1, 1))
    assert found.n_responses == (4, 4)
    assert (found.gained, found.lost, found.reason) == ((), (), "")


def test_another_structure_as_a_human_is_told() -> None:
    # Partitions {ab}{cd} and {ac}{bd}: of 2 x 2 pairs together none is together both ways. Expected 2 * 2 / 6 = 2/3,
    # largest 2, so the adjusted Rand index is (0 - 2/3) / (2 - 2/3) = -1/2.
    found = compare(lists("ab", "cd"), lists("ac", "bd"), by_partner)
    assert found.adjusted_rand == pytest.approx(-0.5)
    # Each term is in one of two lists with one other, so each of the six pairs is expected e = 1/3 times:
    # (1 - 1/3) / sqrt(1/3) where together, (0 - 1/3) / sqrt(1/3) elsewhere; their mean is 0, and times 3 sqrt(1/3): own
    # (2, -1, -1, -1, -1, 2), human (-1, 2, -1, -1, 2, -1). Product sum -2 - 2 + 1 + 1 - 2 - 2 = -6, square sums 12.
    assert pooled(found).pair_congruence.value == pytest.approx(-1 / 2)
    # Means with the others of {ab}: own (2, 2, -1, -1), human (-1, -1, 1/2, 1/2), which are opposed; so for {cd}.
    assert pooled(found).group_congruence == pytest.approx((-1, -1))


def test_only_what_is_shared_is_compared() -> None:
    other = response_matrix(np.ones((2, 4), dtype=np.uint8), ["b", "b"], TERMS)
    own = lists("ab", "ab", "cd", "cd")
    both = ResponseMatrix.of_dense(
        np.vstack([own.named.dense(), other.named.dense()]),
        (*own.response_ids, *other.response_ids),
        (*own.respondent_ids, *other.respondent_ids),
        TERMS,
    )
    human = response_matrix(
        np.array([[1, 1, 0, 1], [1, 1, 0, 1]], dtype=np.uint8), ["a", "a"], ("awe", "bond", "care", "envy")
    )
    found = compare(both, human, lambda matrix: np.arange(len(matrix.terms)))
    assert found.respondent_ids == ("a",)
    assert found.n_responses == (4, 2)
    # "care" is a term of the human answers, but of nobody who answered both ways.
    assert (found.terms, found.gained, found.lost) == (("awe", "bond"), ("care", "duty"), ("envy",))


def test_too_little_to_compare_is_said_and_not_counted() -> None:
    nobody = compare(lists("ab"), lists("ab", who="b"), by_partner)
    assert nobody.reason == "no respondent has a readable response of both kinds"
    assert nobody.adjusted_rand is None

    def refuses(matrix: ResponseMatrix) -> np.ndarray:
        raise DataError("Only 4 terms were found.")

    few = compare(lists("ab", "cd"), lists("ab", "cd"), refuses)
    assert few.reason == "the answers cannot be compared (Only 4 terms were found)"
    assert (few.terms, few.adjusted_rand, few.as_self.size) == (TERMS, None, 0)
    alone = compare(lists("a", "b"), lists("a", "b"), by_partner)
    assert alone.reason.startswith("the answers cannot be compared (No list holds two or more columns")


def test_the_interval_is_over_respondents() -> None:
    # All respondents name ab and cd as themselves; as humans, half of them do so and half name ac and bd.
    def by_all(pairs: list[tuple[str, str]]) -> ResponseMatrix:
        own = [lists(*pair, who=str(i)) for i, pair in enumerate(pairs)]
        return response_matrix(
            np.vstack([m.named.dense() for m in own]), [r for m in own for r in m.respondent_ids], TERMS
        )

    # Not so often that the interval would reach 1 or -1.
    same, mixed = [("ab", "cd")] * 40, [("ab", "cd"), ("ac", "bd")] * 20
    found = pooled(compare(by_all(same), by_all(mixed), by_partner)).pair_congruence
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert -1 < found.low < found.value < found.high < 1
    # The congruence without each of the forty in turn: one that says the same both ways, or one that does not.
    without = [
        pooled(compare(by_all(same[:39]), by_all(left), by_partner)).pair_congruence.value
        for left in (mixed[1:], mixed[:39])
    ]
    assert None not in without
    values = np.array(without * 20, dtype=float)
    error = np.sqrt(39 / 40 * ((values - values.mean()) ** 2).sum())
    # 2.0227: the .975 quantile of Student's t with 39 degrees of freedom.
    assert found.low == pytest.approx(found.value - 2.0227 * error, abs=1e-4)
    assert found.high == pytest.approx(found.value + 2.0227 * error, abs=1e-4)
    one = pooled(compare(lists("ab", "cd"), lists("ab", "cd"), by_partner)).pair_congruence
    assert (one.low, one.reason) == (None, "one unit has no interval")


def test_halves_tell_another_structure_from_too_little_data() -> None:
    rng = np.random.default_rng(4)

    def drawn(pairs: tuple[str, ...], n: int) -> ResponseMatrix:
        return lists(*rng.choice(pairs, n))

    clear = pooled(compare(drawn(("ab", "cd"), 200), drawn(("ac", "bd"), 200), by_partner)).halves
    assert clear is not None
    assert min(clear.own, clear.human) > 0.95
    assert clear.shared == pytest.approx(clear.across / np.sqrt(clear.own * clear.human))
    # The congruence of the two structures, -1/2, within what is left of noise.
    assert clear.across == pytest.approx(-1 / 2, abs=0.05)
    # Twelve terms in lists of four at random: nothing to find, and the halves say so.
    unrelated = [
        response_matrix(
            np.array([rng.permutation([1] * 4 + [0] * 8) for _ in range(60)], dtype=np.uint8),
            ["a"] * 60,
            tuple("abcdefghijkl"),
        )
        for _ in range(2)
    ]
    noise = pooled(compare(*unrelated, lambda matrix: np.arange(12) % 3)).halves
    assert noise is not None
    assert max(abs(noise.own), abs(noise.human), abs(noise.across)) < 0.3
    same = pooled(compare(drawn(("ab", "cd"), 200), drawn(("ab", "cd"), 200), by_partner)).halves
    assert same is not None
    assert same.across > 0.95


def test_a_term_is_no_evidence_of_its_own_group() -> None:
    rng = np.random.default_rng(5)
    own, human = (
        response_matrix(rng.integers(0, 2, (30, 5)).astype(np.uint8), ["a"] * 30, tuple("abcde"))
        for _ in range(2)
    )
    groups = np.array([0, 0, 1, 1, 1])
    found = pooled(compare(own, human, lambda _: groups)).group_congruence

    def loadings(matrix: ResponseMatrix, group: int) -> np.ndarray:
        dense = matrix.named.dense()
        lists = dense[dense.any(axis=1)]
        counts = count_lists(lists, np.zeros(len(lists)), np.zeros(len(lists)))
        pairs = within_affinity(counts, np.ones(1), pooled=True).matrix
        assert pairs is not None
        others = [[j for j in range(5) if groups[j] == group and j != i] for i in range(5)]
        return np.array([np.mean([pairs[i, j] for j in own]) for i, own in enumerate(others)])

    for group in (0, 1):
        x, y = loadings(own, group), loadings(human, group)
        assert found[group] == pytest.approx(x @ y / np.sqrt((x @ x) * (y @ y)))


def test_habits_of_naming_pass_for_shared_structure_only_where_sources_are_few() -> None:
    rng = np.random.default_rng(6)

    def drawn(habits: np.ndarray) -> ResponseMatrix:
        """Ten lists of each respondent, who names each of twelve terms as often as is its habit."""
        names = [str(i) for i in range(len(habits)) for _ in range(10)]
        lists = rng.random((len(names), 12)) < np.repeat(habits, 10, axis=0)
        return response_matrix(lists.astype(np.uint8), names, tuple("abcdefghijkl"))

    def build(matrix: ResponseMatrix) -> np.ndarray:
        return np.arange(12) % 3

    habits = rng.choice([0.05, 0.8], (12, 12))
    many = compare(drawn(habits), drawn(habits), build)
    few = compare(drawn(habits[:3]), drawn(habits[:3]), build)
    between, within = many.levels
    assert (between.level, within.level) == (Level.BETWEEN, Level.WITHIN)
    # The same habits both ways, and no two respondents alike in theirs: nothing is shared by other sources.
    for level in many.levels:
        assert level.halves is not None
        assert max(abs(level.halves.own), abs(level.halves.across)) < 0.2
    assert many.verdict.count("too few, or vary too little, to tell a structure") == 2
    alone = pooled(few).halves
    assert alone is not None
    assert alone.across > 0.7
    assert few.verdict.endswith(
        "With 3 independent sources it cannot be told from words that each of them names often both ways."
    )
    assert "it is not theirs alone" not in few.verdict


def test_each_level_is_compared_for_itself() -> None:
    rng = np.random.default_rng(7)
    same, own, human = (rng.permutation(np.arange(18) % 3) for _ in range(3))

    def drawn(between: np.ndarray, within: np.ndarray) -> ResponseMatrix:
        """Lists of five of 18 terms by sources with a taste for some groups, and luck with others in each list."""
        names = [str(i) for i in range(40) for _ in range(30)]
        of_source = np.repeat(rng.standard_normal((40, 3)), 30, axis=0)[:, between]
        wish = 1.5 * of_source + 1.5 * rng.standard_normal((len(names), 3))[:, within]
        wish += rng.gumbel(size=wish.shape)
        best = wish >= np.sort(wish, axis=1)[:, -5, None]
        return response_matrix(best.astype(np.uint8), names, tuple("abcdefghijklmnopqr"))

    found = compare(drawn(same, own), drawn(same, human), lambda _: same)
    between, within = found.levels
    assert between.halves is not None
    assert within.halves is not None
    assert between.halves.shared == pytest.approx(1, abs=0.1)
    assert between.group_congruence == pytest.approx((1, 1, 1), abs=0.1)
    assert between.pair_congruence.low is not None
    assert between.pair_congruence.low > 0.7
    assert within.halves.own > 0.8
    assert within.halves.shared == pytest.approx(0, abs=0.3)
    first, _, second = found.verdict.partition(" Within responses, ")
    assert first.startswith(
        "Between sources, the structure is the same when the respondents answer as a human"
    )
    assert first.endswith("it is not theirs alone.")
    assert second.startswith("the structure is another when the respondents answer as a human")


def test_the_verdict_follows_from_the_halves() -> None:
    rng = np.random.default_rng(4)

    def verdict(own: tuple[str, ...], human: tuple[str, ...], n: int = 200) -> str:
        return compare(lists(*rng.choice(own, n)), lists(*rng.choice(human, n)), by_partner).verdict

    assert verdict(("ab", "cd"), ("ab", "cd")).startswith(
        "The structure is the same when the respondents answer as a human"
    )
    assert verdict(("ab", "cd"), ("ac", "bd")).startswith("The structure is another when")
    assert verdict(("ab", "cd"), ("ab", "cd", "ac", "bd", "bc")).startswith(
        "The structure is in part the same"
    )
    every = ("ab", "ac", "ad", "bc", "bd", "cd")
    assert verdict(("ab", "cd"), every).startswith(
        "The answers are too few, or vary too little, to tell a structure of the 4 shared terms from "
        "noise (halves agree by "
    )
