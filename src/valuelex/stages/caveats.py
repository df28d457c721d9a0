"""Say in plain sentences what a reader must know before the figures.

Owns the conditions and the wording of caveats. Every condition is a fact of the study or its results.
"""

from __future__ import annotations

from collections.abc import Sequence

from valuelex.domain.call import Missing
from valuelex.domain.measure import PANEL, REASONS, Completion, RatingArray
from valuelex.domain.results import Found
from valuelex.domain.sources import Sources
from valuelex.domain.study import Respondent, Study
from valuelex.domain.wording import count, tally
from valuelex.stages.exhibits import own_respondents
from valuelex.stages.naming_caveats import naming_caveats

SMALL = 1e9
"""Parameters below which a report opens with what so small a model cannot show."""

NOBODY_MEASURED = "Nobody was measured, because "
"""How it begins what is said where all answers are recorded, and there are others but no usable completions."""

_CALL_FAILED = REASONS.index(Missing.CALL_FAILED)


def nobody_measured(missing: Sequence[Missing | None]) -> str:
    """Say why nobody was measured, where no completion can be used; empty where one can.

    Parameters
    ----------
    missing : (n_completions,)
        Why each completion is missing; None for one that is there.
    """
    if any(reason is None for reason in missing):
        return ""
    why = (
        "no completions of the study's stems were recorded"
        if set(missing) == {Missing.NOT_RECORDED}
        else f"none of the {count(len(missing), 'completion')} of the study's stems can be used ({tally(missing)})"
    )
    return (
        f"{NOBODY_MEASURED}{why}. To add completions: valuelex import STUDY FILE --stage project, then run the study "
        "again."
    )


def resampling_units(study: Study) -> tuple[dict[str, str], str]:
    """Return what is resampled of each respondent, and what that is in the plural.

    Families are independent; settings and personas of one model are not. The rule is that of `Sources.units`: families,
    or models, where there are enough of them, else respondents.
    """
    sources = Sources.of(study.respondents, [r.id for r in study.respondents])
    units = sources.units()
    return dict(zip(sources.respondents, units.independent_of, strict=True)), units.independent


def caveats(
    study: Study,
    found: Found | None,
    measured: Sequence[str],
    completions: Sequence[Completion] = (),
    ratings: Sequence[RatingArray] = (),
) -> tuple[str, ...]:
    """List what limits the conclusions of a study, most important first.

    Parameters
    ----------
    study
        The study.
    found
        What elicitation found, if anything was elicited.
    measured
        Names of the value systems on which respondents were rated.
    completions
        What respondents made of the stems.
    ratings
        What judges made of that.
    """
    sentences = []
    small = {r.model.label: size for r in study.respondents if 0 < (size := _n_parameters(r)) < SMALL}
    for label, size in small.items():
        sentences.append(
            f"{label} is a model of {size / 1e6:.0f} million parameters: this report shows every step of the method "
            "at work on real answers, but so small a model often loses the thread, so its scores say little "
            "about values and nothing about larger models."
        )
    n_families = len({r.family for r in study.respondents})
    _, unit = resampling_units(study)
    n_respondents = len(study.respondents)
    if unit != "families" and n_respondents > 1:
        families = "family" if n_families == 1 else "families"
        why = "they are not independent cases" if n_families < n_respondents else "these are few"
        sentences.append(
            f"The {n_respondents} respondents come from {n_families} model {families}; {why}, so nothing here "
            "generalises to models that were not asked."
        )
    if found is not None and found.structure.n_given is not None:
        sentences.append(
            f"The number of groups ({count(found.structure.n_given, 'subdimension')}) was given by the study and not "
            "found in the data. A word can stay in its group by its meaning alone, so a stable group is no proof "
            "that respondents share this structure."
        )
    if found is not None:
        sentences += found.structure.notes
    if found is not None and found.naming is not None:
        sentences += naming_caveats(found.naming)
    sentences += template_caveats(study)
    sentences += _about_calls(study, found, completions)
    sentences += _about_judges(study) if study.measures else []
    for array in ratings:
        lost = int((array.missing[[c.missing is None for c in completions]] == _CALL_FAILED).sum())
        if lost and array.judge != PANEL:
            sentences.append(
                f"{count(lost, 'rating')} of judge {array.judge!r} on {array.system!r} {_have(lost)} no answer yet; "
                "run the study again to ask for them."
            )
    if study.measures and study.project.test.draft:
        sentences.append(
            f"The stems of {study.project.test.name!r} were drafted by a language model and not edited by a person; "
            "they may favour what that model thinks of."
        )
    if "built" in measured:
        sentences.append(
            "The anchors of the built system are sentences in one fixed form around its markers; ratings on it "
            "are cruder than those on a system with hand-written anchors."
        )
    if study.observe is not None:
        sentences.append(
            "Terms were looked for in recorded texts: a word in use is no statement of what one values. Words with "
            "several senses are counted or left out by rule, not by reading; look at the examples of "
            "observed_forms.csv. The value system is built from texts as they are, so that its groups hold what topics "
            "make as well; how much that is, and whether more is left, is told under “Terms in recorded texts”."
        )
    if not study.measures:
        return tuple(sentences)
    sentences.append(
        "Intervals and tests are over stems: they tell how a result would move with other stems of the "
        "same kind, not with other models or other judges."
    )
    return tuple(sentences)


def template_caveats(study: Study) -> list[str]:
    """Say which raw completion is none, or may be none: an endpoint that wraps the prompt into a chat."""
    raw = {r.model.label: r.model.endpoint.raw_completion for r in study.respondents if r.api == "completion"}
    return [
        f"The endpoint of {label} wraps raw prompts into a chat (see probes.json): its answers are those of a chat "
        "model, not of a base model, and contrasts of the two are void."
        if is_raw is False
        else f"Whether the endpoint of {label} wraps raw prompts into a chat could not be told (see probes.json)."
        for label, is_raw in raw.items()
        if not is_raw
    ]


def _about_judges(study: Study) -> list[str]:
    """Caveats about who rated: the embedded axis, judges without a check, and judges who rate themselves."""
    sentences = []
    if any(j.kind == "axis" for j in study.judges):
        sentences.append(
            "Completions were rated by a semantic axis between embeddings of example sentences: a weak judge, near "
            "chance against the labels of people on three public sets (docs/explanation/validity.md). Each "
            "subdimension has its own zero, so compare respondents on one subdimension, never one subdimension "
            "with another."
        )
    models = [j for j in study.judges if j.kind == "llm"]
    if models:
        names = ", ".join(j.id for j in models)
        sentences.append(
            f"Language models rated completions ({names}). How far they agree with people on this value system is "
            "not known until people rate some of the same completions (valuelex rate) and join the panel."
        )
    for judge in models:
        own = own_respondents(judge, study.respondents)
        if own and judge.exclude_family:
            sentences.append(
                f"Judge {judge.id!r} did not rate its own family or maker ({count(len(own), 'respondent')})."
            )
        elif own:
            sentences.append(
                f"Judge {judge.id!r} rated {count(len(own), 'respondent')} of its own model, family or maker (first: "
                f"{own[0]!r}) and may favour them; set exclude_family = true, or add a judge of another family."
            )
    return sentences


def _n_parameters(respondent: Respondent) -> float:
    """Size of a model: the attribute of that name, or 0 where nobody tells."""
    value = respondent.attributes.get("n_parameters", 0)
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0


def _about_calls(study: Study, found: Found | None, completions: Sequence[Completion]) -> list[str]:
    """Caveats about how the answers came about: failed calls, cut completions, two ways of asking."""
    sentences = []
    missing = [c.missing for c in completions]
    missing += [r.missing for r in found.responses] if found is not None else []
    failed = missing.count(Missing.CALL_FAILED)
    if failed:
        sentences.append(
            f"{failed} of {count(len(missing), 'call')} {_have(failed)} no answer; run the study again to send what "
            "is left."
        )
    cut = sum(c.cut for c in completions)
    if cut:
        sentences.append(
            f"{cut} of {count(len(completions), 'completion')} {_were(cut)} ended by the token limit in mid-sentence "
            "and rated up to there; raise [project] max_tokens to avoid it."
        )
    unrecorded = missing.count(Missing.NOT_RECORDED)
    if unrecorded:
        sentences.append(
            f"{unrecorded} of {count(len(missing), 'answer')} {'is' if unrecorded == 1 else 'are'} not among those "
            "recorded; import them with valuelex import where they exist."
        )
    n_recorded = sum(r.model.is_recorded for r in study.respondents)
    if n_recorded:
        sentences.append(
            f"The answers of {n_recorded} of {count(len(study.respondents), 'respondent')} were recorded elsewhere: "
            "the wording and settings they were asked with are taken on trust, so differences between them can "
            "be of ways of asking."
        )
    if len({r.api for r in study.respondents} - {"recorded"}) > 1:
        sentences.append(
            "Chat and raw completion differ in more than the model's training: instruction, beginning and examples "
            "differ too, so a contrast of the two is one of ways of asking."
        )
    return sentences


def _have(n: int) -> str:
    return "has" if n == 1 else "have"


def _were(n: int) -> str:
    return "was" if n == 1 else "were"
