from report.example_results import respondents
from valuelex.domain.population import Population

FOUR = respondents(4)


def test_those_with_every_factor_at_one_of_its_levels_belong():
    raw = Population("raw", {"api": ("completion",)})
    assert [r.api for r in raw.members(FOUR)] == ["completion", "completion"]
    family = FOUR[0].family
    both = Population("both", {"api": ("completion", "chat"), "family": (family,)})
    assert {r.family for r in both.members(FOUR)} == {family}
    assert both.told == f"api is completion or chat and family is {family}"
    assert Population("all of them", {}).members(FOUR) == FOUR
