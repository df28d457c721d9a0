"""Ask respondents for the words that name what they value.

Owns the elicitation calls and the reading of their replies into responses.
Does not split responses into words; `normalise` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from valuelex.domain.call import Call, Missing, Reply
from valuelex.domain.lexicon import Response
from valuelex.domain.study import Prompt, PromptSet, Respondent, Study
from valuelex.errors import StudyError
from valuelex.stages.refusal import is_refusal
from valuelex.stages.request import chat_call, completion_call, rotate, subject_of

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
    plan = study.elicit
    if plan is None:
        return ()
    calls = []
    for draw in range(plan.draws):
        for p, prompt in enumerate(plan.prompts.prompts):
            start = N_EXAMPLES * (p + len(plan.prompts.prompts) * draw)
            for respondent in study.respondents:
                identity = {
                    "stage": "elicit",
                    "item_id": prompt.id,
                    "draw": draw,
                    "max_tokens": plan.max_tokens,
                    "study_seed": study.seed,
                }
                if respondent.api == "chat":
                    call = chat_call(respondent, user=prompt.chat, prefill=prompt.prefill, **identity)
                else:
                    text = raw_prompt(plan.prompts, prompt, respondent, start)
                    call = completion_call(respondent, prompt=text, **identity)
                calls.append(call)
    return tuple(calls)


def raw_prompt(prompts: PromptSet, prompt: Prompt, respondent: Respondent, start: int) -> str:
    """Write a raw-completion prompt: example lines in the prompt's own form, then the open line.

    Raises
    ------
    StudyError
        If the prompt set has no examples.
    """
    if not prompts.examples:
        msg = f"Prompt set {prompts.name!r} has no examples, which raw completion needs; add [[examples]]."
        raise StudyError(msg)
    lines = [
        f"{prompt.raw.format(subject=example.subject)} {', '.join(example.words)}"
        for example in rotate(prompts.examples, start, N_EXAMPLES)
    ]
    return "\n".join([*lines, prompt.raw.format(subject=subject_of(respondent))])


def read_responses(calls: Sequence[Call], replies: Mapping[str, Reply], study: Study) -> tuple[Response, ...]:
    """Read one response from each elicitation call.

    Parameters
    ----------
    calls
        As planned by `plan_elicitation`.
    replies
        Replies by call key; a call without one is missing as CALL_FAILED.
    study
        The study that planned the calls.

    Returns
    -------
    tuple of Response
        In the order of `calls`. The start of the answer that was put into the assistant's mouth is
        not part of the text.
    """
    prompts = {p.id: p for p in study.elicit.prompts.prompts} if study.elicit else {}
    return tuple(_read_response(call, replies.get(call.key), prompts[call.item_id]) for call in calls)


def _read_response(call: Call, reply: Reply | None, prompt: Prompt) -> Response:
    text = ""
    missing: Missing | None = Missing.CALL_FAILED
    if reply is not None:
        text, missing = reply.text.strip(), reply.missing
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
    )


def truncated_responses(responses: Sequence[Response], replies: Mapping[str, Reply]) -> frozenset[str]:
    """Name the responses whose reply was cut at the token limit, so that its last word may be a stump."""
    return frozenset(
        r.id for r in responses if r.call_key in replies and replies[r.call_key].finish_reason == "length"
    )
