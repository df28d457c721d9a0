"""Ask respondents for the words that name what they value.

Owns the elicitation calls and the reading of their replies into responses.
Does not split responses into words; `normalise` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from valuelex.domain.call import Call, CallStage, Missing, Reply
from valuelex.domain.lexicon import Response
from valuelex.domain.study import ElicitPlan, FewShot, Prompt, PromptSet, Respondent, Study
from valuelex.errors import StudyError
from valuelex.stages.clean import clean_answer
from valuelex.stages.refusal import is_refusal
from valuelex.stages.request import Item, plan_calls, rotate, subject_of

N_EXAMPLES = 3
"""Example lists before a raw-completion prompt."""


def plan_elicitation(study: Study) -> tuple[Call, ...]:
    """Plan one call for every respondent, prompt and draw.

    Raw-completion calls show three example lists, which rotate with prompt and draw so that no example
    stands before more than its share of answers. All respondents see the same three at one prompt, so
    that examples cannot make a difference between respondents.

    Returns
    -------
    tuple of Call
        In the order draw, prompt, respondent; empty when the study elicits nothing.
    """
    return () if study.elicit is None else plan_lists(study, study.elicit, "elicit")


def plan_lists(study: Study, plan: ElicitPlan, stage: CallStage) -> tuple[Call, ...]:
    """Plan the calls of `plan_elicitation` for the respondents of a study, as calls of a stage."""
    prompts = plan.prompts.prompts

    def raw(position: int, draw: int, respondent: Respondent) -> str:
        return raw_prompt(prompts[position], _examples(plan.prompts, position, draw), respondent)

    return plan_calls(
        study,
        stage,
        elicitation_items(plan),
        draws=plan.draws,
        max_tokens=plan.max_tokens,
        raw_prompt=raw,
    )


def elicitation_items(plan: ElicitPlan) -> list[Item]:
    """Return what is asked, in the order of the prompts."""
    return [Item(p.id, p.chat, p.prefill) for p in plan.prompts.prompts]


def _examples(prompts: PromptSet, position: int, draw: int) -> Sequence[FewShot]:
    """Take the example lists of a prompt at one draw; neither depends on how many there are of either."""
    return rotate(prompts.examples, N_EXAMPLES * position + draw, N_EXAMPLES)


def raw_prompt(prompt: Prompt, examples: Sequence[FewShot], respondent: Respondent) -> str:
    """Write a raw-completion prompt: example lines in the prompt's own form, then the open line.

    Raises
    ------
    StudyError
        If there are no examples.
    """
    if not examples:
        msg = "The prompt set has no examples, which raw completion needs; add [[examples]]."
        raise StudyError(msg)
    lines = [f"{prompt.raw.format(subject=e.subject)} {', '.join(e.words)}" for e in examples]
    return "\n".join([*lines, prompt.raw.format(subject=subject_of(respondent))])


def read_responses(calls: Sequence[Call], replies: Mapping[str, Reply], study: Study) -> tuple[Response, ...]:
    """Read one response from each elicitation call.

    Parameters
    ----------
    calls
        As planned by `plan_elicitation`.
    replies
        Replies by call key; a call without one is missing as CALL_FAILED, or NOT_RECORDED.
    study
        The study that planned the calls.

    Returns
    -------
    tuple of Response
        In the order of `calls`. The start of the answer that was put into the assistant's mouth is
        not part of the text; the words of the examples before a raw prompt stand in `shown`.
    """
    if study.elicit is None:
        return ()
    prompt_set = study.elicit.prompts
    at = {prompt.id: (p, prompt) for p, prompt in enumerate(prompt_set.prompts)}
    raw = {r.id for r in study.respondents if r.api == "completion"}
    responses = []
    for call in calls:
        position, prompt = at[call.item_id]
        examples = _examples(prompt_set, position, call.draw) if call.respondent_id in raw else ()
        shown = tuple(word for example in examples for word in example.words)
        responses.append(_read_response(call, replies.get(call.key), prompt, shown))
    return tuple(responses)


def _read_response(call: Call, reply: Reply | None, prompt: Prompt, shown: tuple[str, ...]) -> Response:
    text = ""
    missing: Missing | None = call.unanswered
    if reply is not None:
        text, missing = clean_answer(reply.text), reply.missing
        if text.startswith(prompt.prefill):
            text = text[len(prompt.prefill) :].strip()
        if missing is None and not text:
            missing = Missing.EMPTY
        elif missing is None and is_refusal(text):
            missing = Missing.REFUSED
    return Response(
        id=f"{call.respondent_id}:{call.item_id}:{call.draw}",
        respondent_id=call.respondent_id,
        prompt_id=call.item_id,
        draw=call.draw,
        text=text,
        missing=missing,
        call_key=call.key,
        shown=shown,
    )


def truncated_responses(responses: Sequence[Response], replies: Mapping[str, Reply]) -> frozenset[str]:
    """Name the responses whose reply was cut at the token limit, so that its last word may be a stump."""
    return frozenset(
        r.id for r in responses if r.call_key in replies and replies[r.call_key].finish_reason == "length"
    )
