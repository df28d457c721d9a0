import dataclasses

from examples import MODEL, respondent, structure, study
from valuelex.domain.call import Missing
from valuelex.domain.lexicon import Lexicon
from valuelex.domain.measure import Completion
from valuelex.domain.results import Found
from valuelex.domain.study import JudgePlan
from valuelex.stages.caveats import caveats, resampling_units

OTHER = dataclasses.replace(MODEL, name="other-1")
ALWAYS = caveats(study(), None, ["tiny"])


def families(*names):
    return [respondent(f"r{i}", family=name) for i, name in enumerate(names)]


def found(**changes):
    return Found((), Lexicon((), (), ()), matrix=None, structure=structure(**changes), system=None)


def test_one_respondent_on_a_shipped_system_has_only_what_always_holds():
    judge, stems = ALWAYS
    assert judge.startswith(
        "Completions were rated by a semantic axis between embeddings of example sentences"
    )
    assert stems.startswith("Intervals and tests are over stems:")


def test_families_are_resampled_from_five_on():
    four = study(families("a", "b", "c", "d", "d"))
    assert resampling_units(four) == ({f"r{i}": f"r{i}" for i in range(5)}, "respondents")
    five = study(families("a", "b", "c", "d", "e", "e"))
    units = {"r0": "a", "r1": "b", "r2": "c", "r3": "d", "r4": "e", "r5": "e"}
    assert resampling_units(five) == (units, "families")


def test_models_are_resampled_where_families_are_few():
    five = [respondent(f"r{i}", model=dataclasses.replace(MODEL, name=f"m{i // 2}")) for i in range(10)]
    units, what = resampling_units(study(five))
    assert (what, len(set(units.values()))) == ("models", 5)
    assert units["r0"] == units["r1"] != units["r2"]
    assert caveats(study(five), None, [])[0].startswith("The 10 respondents come from 1 model family;")


def test_few_families_are_told():
    assert caveats(study(families("a", "a", "a")), None, [])[0] == (
        "The 3 respondents come from 1 model family; they are not independent cases, so nothing here "
        "generalises to models that were not asked."
    )
    assert caveats(study(families("a", "b", "b")), None, [])[0].startswith(
        "The 3 respondents come from 2 model families; they are not independent cases"
    )
    assert caveats(study(families("a", "b")), None, [])[0] == (
        "The 2 respondents come from 2 model families; these are few, so nothing here "
        "generalises to models that were not asked."
    )
    assert caveats(study(families(*"abcde")), None, []) == ALWAYS


def test_a_tiny_model_comes_first():
    said = caveats(study([respondent(attributes={"n_parameters": 360_000_000})]), None, [])
    assert said[0].startswith("acme/acme-1 is a model of 360 million parameters:")
    assert said[1:] == ALWAYS
    assert caveats(study([respondent(attributes={"n_parameters": 7e9})]), None, []) == ALWAYS


def test_failed_calls_cut_completions_and_two_ways_of_asking_are_told():
    who = [respondent("a"), respondent("b", api="completion", family="other")]
    answers = [
        Completion("1", "a", "s0", 0, "", Missing.CALL_FAILED, "k1"),
        Completion("2", "a", "s1", 0, "went on and", None, "k2", cut=True),
        Completion("3", "b", "s0", 0, "left.", None, "k3"),
    ]
    said = " ".join(caveats(study(who), None, [], answers))
    assert "1 of 3 calls has no answer; run the study again" in said
    assert "1 of 3 completions was ended by the token limit in mid-sentence" in said
    assert "a contrast of the two is one of ways of asking" in said


def test_a_given_number_of_groups_is_told_when_groups_were_built():
    said = caveats(study(), found(n_given=3), ["tiny"])
    assert said[0] == (
        "The number of groups (3 subdimensions) was given by the study and not found in the data. A word can stay "
        "in its group by its meaning alone, so a stable group is no proof that respondents share this structure."
    )
    assert said[1:] == ALWAYS
    assert caveats(study(), found(), ["tiny"]) == ALWAYS


def test_what_the_data_could_not_give_is_told():
    assert caveats(study(), found(notes=("One.", "Two.")), ["tiny"]) == ("One.", "Two.", *ALWAYS)


def test_anchors_of_a_built_system_are_told_to_be_crude():
    said = caveats(study(), found(n_given=3), ["tiny", "built"])
    assert said[2] == (
        "The anchors of the built system are sentences in one fixed form around its markers; ratings on it "
        "are cruder than those on a system with hand-written anchors."
    )


def test_a_judge_of_a_respondents_family_is_told_and_so_is_its_exclusion():
    judge = JudgePlan("referee", "llm", MODEL, family="acme")
    people = [respondent("a"), respondent("b"), respondent("c", family="other", model=OTHER)]
    told = " ".join(caveats(dataclasses.replace(study(people), judges=(judge,)), None, []))
    assert "Language models rated completions (referee)." in told
    assert "Judge 'referee' rated 2 respondents of its own model, family or maker (first: 'a')" in told
    assert "semantic axis" not in told
    kept_out = dataclasses.replace(judge, exclude_family=True)
    told = " ".join(caveats(dataclasses.replace(study(people), judges=(kept_out,)), None, []))
    assert "Judge 'referee' did not rate its own family or maker (2 respondents)." in told


def test_stems_that_nobody_edited_are_told():
    plain = study()
    drafted = dataclasses.replace(plain.project.test, draft=True)
    project = dataclasses.replace(plain.project, test=drafted)
    said = " ".join(caveats(dataclasses.replace(plain, project=project), None, []))
    assert "The stems of 'bells' were drafted by a language model and not edited by a person" in said
