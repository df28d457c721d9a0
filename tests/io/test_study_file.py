import re
from pathlib import Path

import pytest

from valuelex.errors import StudyError
from valuelex.io.one_model import study_of_one_model
from valuelex.io.study_file import read_study

BASE = """
[study]
name = "t"
seed = 1
[personas]
nurse = "a nurse"
[endpoints.local]
base_url = "http://127.0.0.1:9/v1"
[[respondents]]
model = "local/m"
temperature = [0.5, 1.0]
personas = ["", "nurse"]
[respondents.attributes]
training = "base"
[elicit]
[project]
stems = 12
"""

SYSTEM = """
name = "my"
title = "Mine"
source = "me"
[[dimensions]]
id = "d"
name = "D"
definition = "x"
[[dimensions.subdimensions]]
id = "s"
name = "S"
definition = "x"
markers = ["thrift"]
high = ["I saved it."]
low = ["I spent it."]
"""


def study_with(tmp_path: Path, old: str = "", new: str = "") -> Path:
    assert old in BASE
    path = tmp_path / "study.toml"
    path.write_text(BASE.replace(old, new) if old else BASE + new)
    return path


def test_a_grid_is_unrolled(tmp_path: Path) -> None:
    study = read_study(study_with(tmp_path))
    # 2 temperatures x 1 top_p x 2 personas.
    assert [r.id for r in study.respondents] == [
        "m chat t0.5",
        "m chat t1",
        "m chat nurse t0.5",
        "m chat nurse t1",
    ]
    assert study.respondents[2].subject == "a nurse"
    assert study.respondents[0].subject is None
    assert {r.family for r in study.respondents} == {"local/m"}
    assert len(study.project.test.stems) == 12
    assert study.elicit is not None
    assert len(study.elicit.prompts.prompts) == 15


def test_reasoning_efforts_are_a_grid_and_part_of_the_name(tmp_path: Path) -> None:
    path = study_with(tmp_path, 'personas = ["", "nurse"]', 'reasoning_effort = ["low", "high"]')
    respondents = read_study(path).respondents
    assert [r.id for r in respondents] == [
        "m chat t0.5 low",
        "m chat t0.5 high",
        "m chat t1 low",
        "m chat t1 high",
    ]
    assert [r.reasoning_effort for r in respondents] == ["low", "high"] * 2


def test_settings_may_be_left_to_the_endpoint(tmp_path: Path) -> None:
    path = study_with(
        tmp_path, "temperature = [0.5, 1.0]", 'temperature = ["default", 1.0]\ntop_p = "default"'
    )
    respondents = read_study(path).respondents[:2]
    assert [(r.id, r.temperature, r.top_p) for r in respondents] == [
        ("m chat tdefault", None, None),
        ("m chat t1", 1.0, None),
    ]


def test_what_an_endpoint_can_do_is_open_unless_somebody_tells(tmp_path: Path) -> None:
    able = read_study(study_with(tmp_path)).respondents[0].model.endpoint
    assert (able.sends_seed, able.limit_key) == (True, "max_tokens")
    assert (able.json_schema, able.logprobs, able.raw_completion) == (None, None, None)
    asked = 'sends_seed = "find out"\nlimit_key = "find out"\n[[respondents]]'
    able = read_study(study_with(tmp_path, "[[respondents]]", asked)).respondents[0].model.endpoint
    assert (able.sends_seed, able.limit_key) == (None, None)
    told = 'sends_seed = false\nlimit_key = "max_completion_tokens"\nraw_completion = true\n[[respondents]]'
    able = read_study(study_with(tmp_path, "[[respondents]]", told)).respondents[0].model.endpoint
    assert (able.sends_seed, able.limit_key, able.raw_completion) == (False, "max_completion_tokens", True)
    openai = read_study(study_with(tmp_path, "local/m", "openai/m")).respondents[0].model.endpoint
    assert (openai.sends_seed, openai.json_schema, openai.logprobs, openai.limit_key) == (
        True,
        True,
        None,
        None,
    )


def test_without_elicit_nothing_is_elicited(tmp_path: Path) -> None:
    study = read_study(study_with(tmp_path, "[elicit]\n", ""))
    assert study.elicit is None
    assert study.construct is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "temperature =",
            "tempreature =",
            "in [[respondents]] number 1: unknown key 'tempreature'; did you mean 'temperature'? Known keys: "
            "api, attributes, family, label, model, personas, prefill, reasoning_effort, temperature, top_p.",
        ),
        ("[elicit]", "[elicit]\ndrwas = 2", "in [elicit]: unknown key 'drwas'; did you mean 'draws'? "),
        ("[project]", "[projct]", "unknown key 'projct'; did you mean 'project'? "),
        ('name = "t"\n', "", "in [study]: key 'name' is missing; add it."),
        ("[0.5, 1.0]", "[0.5, -1.0]", "in [[respondents]] number 1, temperature: number 2 = -1.0: "),
        ('"local/m"', '"loacl/m"', "Model 'loacl/m' must be provider/name with a known provider (embedded, "),
        ('"local/m"', '"gpt-4o"', "Model 'gpt-4o' must be provider/name"),
        ('["", "nurse"]', '["doctor"]', "No persona 'doctor' in [personas]; it has 'nurse'."),
        ('"local/m"', '"embedded/none.gguf"', "none.gguf'; give the path of a GGUF file"),
        ('"local/m"', '"embedded/llama"', "No embedded model 'llama'; use 'embedded/smollm2-135m-instruct'"),
        ("stems = 12", "stems = 1200", "[project] stems = 1200, but the test 'valuelex-120' has 120"),
        (
            "stems = 12",
            'systems = ["schwartz"]',
            "No shipped systems 'schwartz'; there is 'de-raad-2016', 'gpla-2025', ",
        ),
        ("[elicit]", '[elicit]\nprompts = "mine.toml"', "mine.toml: no such file"),
        (
            "stems = 12",
            'systems = ["built"]\n[compare]\nfactors = ["size"]',
            "[compare] factors: no factor 'size'; ",
        ),
        ("[0.5, 1.0]", "[0.5, 0.5]", "2 respondents are described twice (first: 'm chat nurse t0.5')"),
        (
            "[elicit]\n",
            "[construct]\nn_subdimensions = 6\nn_dimensions = 9\n[elicit]\n",
            "[construct] n_dimensions = 9 is more than n_subdimensions = 6; ",
        ),
        ("seed = 1", "seed = ", "not valid TOML: "),
        ("stems = 12", "wordings = 4", "[project] wordings = 4, but the stems of 'valuelex-120' have 3"),
        (
            "[elicit]\n",
            '[[judges]]\nkind = "llm"\n[elicit]\n',
            '[[judges]] kind = "llm" needs model = "provider/name"',
        ),
        (
            "[elicit]\n",
            '[[judges]]\nkind = "people"\n[elicit]\n',
            'needs ratings = ["FILE.csv"], as valuelex rate',
        ),
        (
            "[elicit]\n",
            '[[judges]]\nkind = "axis"\ndraws = 3\n[elicit]\n',
            "[[judges]] kind = \"axis\" has no use for 'draws'; leave it out or change the kind.",
        ),
        ("[elicit]\n", "[[judges]]\n[[judges]]\n[elicit]\n", "the name 'axis:all-MiniLM-L6-v2' is taken"),
        (
            "[elicit]\n",
            '[[judges]]\nname = "panel"\n[elicit]\n',
            "the name 'panel' is taken; give each judge a name",
        ),
        ("stems = 12", "stop_step = 5", "[project] stop_step does nothing without stop_width; set that too"),
        (
            "stems = 12",
            "stop_width = 1\nstop_least = 120",
            "stop_least = 120, but there are 120 stems, so",
        ),
        ("stems = 12", 'systems = ["stance"]', "'stance' rates a text against a claim that it answers"),
        (
            "[elicit]\n",
            '[compare]\nremove = ["length", "length"]\n[elicit]\n',
            "[compare] remove names 'length' twice; once is enough.",
        ),
        (
            "[elicit]\n",
            '[[judges]]\nkind = "llm"\nmodel = "local/m"\ndraws = 3\n[elicit]\n',
            "draws = 3 at temperature 0 would ask for the same answer 3 times; set a temperature",
        ),
        ("stems = 12", 'manual = "x"', "No shipped manuals 'x'; there is 'valuelex-7', or give the path"),
        ("stems = 12", 'test = "x"', "No shipped stems 'x'; there is 'valuelex-120', or give the path"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = study_with(tmp_path, old, new)
    with pytest.raises(StudyError) as caught:
        read_study(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("http://127.0.0.1:9/v1", "http://me:hunter2@127.0.0.1/v1", "a base URL holds no user, password"),
        ("http://127.0.0.1:9/v1", "https://h/v1?key=hunter2", "a base URL holds no user, password"),
        ("http://127.0.0.1:9/v1", "127.0.0.1:9/v1", "a base URL begins with http:// or https://"),
        ('9/v1"', '9/v1"\nkey_variable = "sk-hunter2"', "this is the name of an environment variable"),
        ('9/v1"', '9/v1"\nextra_body = { api_key = "hunter2" }', "must hold no key"),
    ],
)
def test_what_looks_like_a_key_is_refused_and_not_shown(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(StudyError) as caught:
        read_study(study_with(tmp_path, old, new))
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_two_systems_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(SYSTEM.replace('"my"', '"built"'))
    path = study_with(tmp_path, "stems = 12", 'systems = ["my.toml", "built"]')
    with pytest.raises(StudyError, match="two systems are called 'built'"):
        read_study(path)


def test_a_hundred_and_one_respondents_are_not_compared_pair_by_pair(tmp_path: Path) -> None:
    temperatures = ", ".join(f"{i / 100}" for i in range(51))
    path = study_with(tmp_path, "[0.5, 1.0]", f"[{temperatures}]")
    with pytest.raises(StudyError, match="102 respondents make 5151 pairs"):
        read_study(path)


def test_built_needs_elicitation(tmp_path: Path) -> None:
    path = study_with(tmp_path, "[elicit]\n[project]\n", '[project]\nsystems = ["built"]\n')
    with pytest.raises(StudyError, match="names 'built', but nothing is elicited"):
        read_study(path)


def test_a_users_own_system_and_test_are_read_from_beside_the_study(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(SYSTEM)
    (tmp_path / "stems.toml").write_text(
        'name = "two"\nsource = "me"\n[[stems]]\nid = "a"\ntext = "I"\nkind = "neutral"\ntheme = "s"\n'
        '[[stems]]\nid = "b"\ntext = "We"\nkind = "role"\ntheme = "s"\n'
    )
    path = study_with(tmp_path, "stems = 12", 'systems = ["my.toml"]\ntest = "stems.toml"')
    study = read_study(path)
    assert [s.name for s in study.project.systems] == ["my"]
    assert [s.id for s in study.project.test.stems] == ["a", "b"]


def test_judges_are_resolved_with_their_family(tmp_path: Path) -> None:
    judges = """[[judges]]
kind = "llm"
model = "local/m"
draws = 3
temperature = 0.5
exclude_family = true
[[judges]]
[[judges]]
kind = "people"
name = "anna"
ratings = ["ratings/anna.csv"]
[elicit]
"""
    llm, axis, people = read_study(study_with(tmp_path, "[elicit]\n", judges)).judges
    assert (llm.id, llm.kind, llm.draws, llm.temperature, llm.exclude_family) == (
        "local/m",
        "llm",
        3,
        0.5,
        True,
    )
    assert llm.model is not None
    assert llm.family == "local/m"
    assert (axis.id, axis.kind) == ("axis:all-MiniLM-L6-v2", "axis")
    assert people.ratings == (str(tmp_path / "ratings/anna.csv"),)


def test_a_width_makes_the_test_adaptive(tmp_path: Path) -> None:
    assert read_study(study_with(tmp_path, "", "")).project.adaptive is None
    adaptive = read_study(study_with(tmp_path, "stems = 12", "stop_width = 0.8")).project.adaptive
    assert adaptive is not None
    assert (adaptive.width, adaptive.step, adaptive.least) == (0.8, 12, 24)


def recorded_study(tmp_path: Path, keys: str = "", more: str = "") -> Path:
    path = tmp_path / "study.toml"
    path.write_text(
        f'[study]\nname = "t"\n[[respondents]]\nmodel = "recorded/org/acme-1"\n{keys}\n[project]\nstems = 12\n{more}'
    )
    return path


def test_of_recorded_answers_nothing_is_made_up(tmp_path: Path) -> None:
    (found,) = read_study(recorded_study(tmp_path)).respondents
    assert (found.id, found.api, found.temperature, found.top_p) == (
        "acme-1 recorded",
        "recorded",
        None,
        None,
    )
    assert (found.model.name, found.model.label) == ("org/acme-1", "recorded/org/acme-1")
    assert found.model.is_recorded


def test_what_is_known_of_recorded_answers_can_be_told(tmp_path: Path) -> None:
    keys = 'temperature = 0.7\nlabel = "acme"\nfamily = "acme"\nattributes = {training = "base"}'
    (found,) = read_study(recorded_study(tmp_path, keys)).respondents
    assert (found.id, found.temperature, found.top_p, found.family) == ("acme t0.7", 0.7, None, "acme")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ('api = "chat"', "'recorded/org/acme-1': api does nothing for recorded answers; leave it out."),
        ("prefill = true", "'recorded/org/acme-1': prefill does nothing for recorded answers; leave it out."),
        (
            "temperature = [0.5, 1.0]",
            "recorded answers have one temperature and one top_p; give the one they were",
        ),
    ],
)
def test_a_key_that_recorded_answers_have_no_use_for_is_refused(
    tmp_path: Path, keys: str, expected: str
) -> None:
    with pytest.raises(StudyError) as caught:
        read_study(recorded_study(tmp_path, keys))
    assert expected in str(caught.value)


def test_recorded_answers_cannot_be_called(tmp_path: Path) -> None:
    judge = '[[judges]]\nkind = "llm"\nmodel = "recorded/acme-1"\n'
    with pytest.raises(StudyError, match="'recorded/acme-1' cannot be called: recorded answers serve as"):
        read_study(recorded_study(tmp_path, more=judge))
    own = '[endpoints.recorded]\nbase_url = "http://127.0.0.1:9/v1"\n'
    with pytest.raises(StudyError, match="give a name, and call no endpoint 'recorded'"):
        read_study(recorded_study(tmp_path, more=own))
    with pytest.raises(StudyError, match="needs a study to be imported into; make one: valuelex new"):
        study_of_one_model("recorded/a", endpoint=None, respondent={}, project={}, judges=[])


def test_populations_and_factors_are_read(tmp_path: Path) -> None:
    more = """
[factors]
matrix = "between"
n_factors = 5
[[populations]]
name = "warm"
where = { temperature = 1.0, persona = ["nurse", "none"] }
[[populations]]
name = "base"
where = { training = "base" }
"""
    study = read_study(study_with(tmp_path, new=more))
    assert [(p.name, dict(p.where)) for p in study.populations] == [
        ("warm", {"temperature": ("1",), "persona": ("nurse", "none")}),
        ("base", {"training": ("base",)}),
    ]
    assert [r.id for r in study.populations[0].members(study.respondents)] == ["m chat t1", "m chat nurse t1"]
    assert (study.factors.matrix, study.factors.n_factors, study.factors.resamples) == ("between", 5, 200)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            '[[populations]]\nname = "x"\nwhere = { training = "tuned" }\n',
            "[[populations]] 'x': no respondent has training = 'tuned'; there is 'base'.",
        ),
        ('[factors]\nmatrix = "tetrachoric"\n', "Input should be 'ppmi', 'phi', 'between' or 'within'"),
    ],
)
def test_populations_and_factors_that_cannot_be_are_refused(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(StudyError, match=re.escape(message)):
        read_study(study_with(tmp_path, new=more))


def test_populations_need_words(tmp_path: Path) -> None:
    path = study_with(tmp_path, new='[[populations]]\nname = "x"\nwhere = { training = "base" }\n')
    path.write_text(path.read_text().replace("[elicit]\n", ""))
    with pytest.raises(StudyError, match="but nothing is elicited; add an"):
        read_study(path)


def test_a_namer_is_resolved_with_its_guide(tmp_path: Path) -> None:
    assert read_study(study_with(tmp_path)).namer is None
    namer = read_study(
        study_with(tmp_path, new='[namer]\nmodel = "local/m"\ntemperature = "default"\n')
    ).namer
    assert namer is not None
    assert (namer.id, namer.model.label, namer.draws, namer.temperature) == (
        "namer:local/m",
        "local/m",
        5,
        None,
    )
    assert namer.guide.name == "valuelex-names"
    assert "three words" in namer.guide.naming


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "[namer]\ndraws = 3\n", "in [namer]: key 'model' is missing; add it."),
        ("", '[namer]\nmodel = "local/m"\ndraws = 0\n', "in [namer]: draws = 0: "),
        (
            "",
            '[namer]\nmodel = "local/m"\nmodels = "x"\n',
            "in [namer]: unknown key 'models'; did you mean 'model'?",
        ),
        ("", '[namer]\nmodel = "nobody/m"\n', "Model 'nobody/m' must be provider/name"),
        (
            "",
            '[namer]\nmodel = "local/m"\nguide = "poetry"\n',
            "No shipped namers 'poetry'; there is 'valuelex-names'",
        ),
        (
            "[elicit]\n",
            '[namer]\nmodel = "local/m"\n',
            "nothing is elicited; add an [elicit] section, or leave [namer]",
        ),
    ],
)
def test_a_namer_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(StudyError) as caught:
        read_study(study_with(tmp_path, old, new))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
