import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stats.correlation import correlate
from valuelex.stats.flags import Weakness
from valuelex.stats.retention_table import RetentionRule, RetentionTable, retention_table

NAMES = (
    "parallel analysis (components)",
    "parallel analysis (factors)",
    "MAP (squared)",
    "MAP (fourth power)",
    "empirical Kaiser criterion",
    "Hull (CFI)",
    "Hull (CAF)",
    "scree (optimal coordinates)",
    "scree (acceleration factor)",
    "eigenvalues above 1 (Kaiser)",
    "block model (held-out likelihood)",
)


def planted(n_rows: int = 400, n_factors: int = 3) -> np.ndarray:
    rng = np.random.default_rng(0)
    own = np.repeat(np.arange(n_factors), 4)
    f = rng.standard_normal((n_rows, n_factors))
    return 0.8 * f[:, own] + 0.6 * rng.standard_normal((n_rows, len(own)))


def lists(n_lists: int = 500) -> np.ndarray:
    rng = np.random.default_rng(1)
    taste = rng.integers(3, size=n_lists)
    wish = np.where(np.arange(30) % 3 == taste[:, None], 1.5, 0.0) + rng.gumbel(size=(n_lists, 30))
    return (np.argsort(np.argsort(-wish, axis=1), axis=1) < 5).astype(np.uint8)


def test_all_rules_agree_on_clear_factors() -> None:
    table = retention_table(planted(), rng=np.random.default_rng(2), n_replicates=40)
    assert tuple(rule.rule for rule in table.rules) == NAMES
    assert (table.lowest, table.highest) == (3, 3)
    assert table.agreement == "All 7 rules that could be used suggest 3."
    assert table.rules[-1].suggests is None
    assert table.rules[-1].detail == "not used: it needs lists of 0 and 1"


def test_correlations_give_what_their_data_gives() -> None:
    data = planted()
    a = retention_table(data, rng=np.random.default_rng(2), n_replicates=20)
    b = retention_table(
        correlation=correlate(data), n_rows=len(data), rng=np.random.default_rng(2), n_replicates=20
    )
    assert str(a) == str(b)


def test_lists_alone_use_the_null_that_keeps_their_lengths() -> None:
    unit = np.arange(500) // 10
    table = retention_table(lists=lists(), groups=unit, rng=np.random.default_rng(3), n_replicates=20)
    rules = {rule.rule: rule for rule in table.rules}
    assert "curveball replicates" in rules["parallel analysis (components)"].detail
    assert rules["block model (held-out likelihood)"].suggests == 3
    (flag,) = rules["empirical Kaiser criterion"].flags
    assert flag.weakness is Weakness.FEW_UNITS
    assert flag.detail == "500 rows are counted as independent, but they come from 50 units"


def test_a_rule_that_cannot_be_used_says_why() -> None:
    rng = np.random.default_rng(4)
    table = retention_table(rng.standard_normal((20, 30)), rng=rng, n_replicates=20)
    rules = {rule.rule: rule for rule in table.rules}
    for name in ("MAP (squared)", "MAP (fourth power)"):
        assert rules[name].suggests is None
        assert rules[name].detail.startswith("not used: The correlation matrix of 30 columns has no inverse")
    assert rules["parallel analysis (components)"].suggests is not None


def test_hull_cannot_contradict_the_absence_of_factors() -> None:
    rng = np.random.default_rng(5)
    table = retention_table(rng.standard_normal((500, 8)), rng=rng, n_replicates=40)
    rules = {rule.rule: rule for rule in table.rules}
    assert rules["parallel analysis (components)"].suggests == 0
    assert rules["Hull (CFI)"].detail == "not used: it cannot suggest 0, which parallel analysis does"


def test_disagreement_and_layout() -> None:
    table = RetentionTable(
        (
            RetentionRule("first", 2, "a", False, ()),
            RetentionRule("second", 4, "b", False, ()),
            RetentionRule("third", 9, "c", True, ()),
            RetentionRule("fourth", None, "not used: d", False, ()),
        ),
        2,
        4,
    )
    assert str(table).splitlines() == [
        "Rule                   Suggests  Figures",
        "---------------------  --------  -------",
        "first                         2  a",
        "second                        4  b",
        "third (for reference)         9  c",
        "fourth                        -  not used: d",
        "The 2 rules disagree, from 2 to 4 (2: first; 4: second).",
    ]
    assert RetentionTable(table.rules[3:], None, None).agreement == "No rule could be used."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Give one of data and correlation, or lists alone"),
        ({"data": np.eye(4), "correlation": np.eye(4), "n_rows": 9}, "Give one of data and correlation"),
        ({"correlation": np.eye(4)}, "correlation and n_rows belong together"),
        ({"data": np.eye(4), "n_rows": 9}, "correlation and n_rows belong together"),
        ({"correlation": np.eye(4), "n_rows": 9, "null": "permuted"}, "The null 'permuted' needs data"),
        ({"data": np.ones((9, 4))}, "4 of 4 columns of data are constant"),
    ],
)
def test_bad_input_is_named(arguments: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        retention_table(rng=np.random.default_rng(0), **arguments)
