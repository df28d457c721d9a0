"""Find out what a model can do at its endpoint, by a few short calls before the study's own.

Owns what is tried, in which order, and how the answers are read. Only what the study needs and nobody told is tried.
The same answers always lead to the same plan, so that no study probes twice. Does not tell chat templates;
`template_guard` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from valuelex.domain.call import Api, Call, Route, read_reply
from valuelex.domain.capability import Capability
from valuelex.domain.study import Endpoint, LimitKey, Model, Respondent, Study
from valuelex.errors import DataError, StudyError
from valuelex.stages.judge_prompt import TOP_LOGPROBS, as_asked
from valuelex.stages.request import build_call
from valuelex.stages.template_guard import MOST_GUARD_CALLS, plan_guard, read_guard

MAX_TOKENS: Mapping[Api, int] = {"chat": 1024, "completion": 8}
"""Longest answer: a reasoning model thinks before a short one; a base model never ends by itself."""
QUESTION = "Name one fruit."
SCHEMA = {
    "type": "object",
    "properties": {"fruit": {"type": "string"}},
    "required": ["fruit"],
    "additionalProperties": False,
}
LIMIT_KEYS: tuple[LimitKey, ...] = ("max_tokens", "max_completion_tokens")
OPTIONS = ("seed", "schema", "logprobs")

Payloads = Mapping[str, Mapping[str, Any]]
"""Answers to probes by call key, as they came; a refusal holds `http_status`."""
Subject = tuple[Route, str, Api]
"""Where, which model, and by which API: what is found out is found out of this."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """One form of a request: the name of its limit, with or without temperature and top_p, and what it asks for."""

    limit_key: LimitKey
    settings: bool
    options: tuple[str, ...]

    @property
    def item_id(self) -> str:
        parts = [self.limit_key, *(["settings"] if self.settings else []), *self.options]
        return "can/" + "+".join(parts)


@dataclass(frozen=True, slots=True)
class _Need:
    """What a study must know about a subject. `who` sends the calls, with the settings that are least usual."""

    who: Respondent
    options: tuple[str, ...]
    limit_keys: tuple[LimitKey, ...]
    probed: bool
    guarded: bool


def plan_probes(study: Study, payloads: Payloads) -> tuple[Call, ...]:
    """Plan the probes of a study as far as they can be told from the answers so far.

    Parameters
    ----------
    study
        As resolved: what nobody told is None in its endpoints.
    payloads
        Answers to earlier probes.

    Returns
    -------
    tuple of Call
        Those that were answered and the next ones; when all are answered, everything is found out. Empty where
        the study needs to know nothing.
    """
    return tuple(call for need in _needs(study).values() for call in _calls(study, need, payloads))


def most_probes(study: Study) -> int:
    """Count the probes of a study at the most: where endpoints refuse all but the last form of a request."""
    most = 0
    for need in _needs(study).values():
        most += 1 + 2 * len(need.limit_keys) + len(need.options) if need.probed else 0
        most += MOST_GUARD_CALLS if need.guarded else 0
    return most


def read_probes(study: Study, payloads: Payloads) -> tuple[Capability, ...]:
    """Read what was found out; a model with unanswered probes is left out."""
    found = []
    for need in _needs(study).values():
        calls = _calls(study, need, payloads)
        if all(call.key in payloads for call in calls):
            found.append(_capability(study, need, calls, payloads))
    return tuple(found)


def with_capabilities(study: Study, found: Sequence[Capability]) -> Study:
    """Fill in what was found out, so that every call can be planned; what the study told stays as it is.

    Raises
    ------
    StudyError
        If a model refuses the temperature or top_p that the study sends, naming the way out.
    """
    by_subject: dict[Subject, Capability] = {
        ((f.provider, f.endpoint, f.revision), f.model, f.api): f for f in found
    }

    def able(model: Model, api: Api, who: str) -> Model:
        endpoint = model.endpoint
        route = (endpoint.provider, endpoint.identity, model.revision)
        capability = by_subject.get((route, model.name, api))
        if capability is None:
            return model
        if capability.settings is False:
            msg = (
                f"{who}: {model.label} refuses this temperature or top_p; set those that it takes (often 1 and 1), or "
                '"default" to send none, which leaves them unknown.'
            )
            raise StudyError(msg)
        return replace(model, endpoint=_filled(endpoint, capability))

    return replace(
        study,
        respondents=tuple(
            replace(r, model=able(r.model, r.api, f"Respondent {r.id!r}")) for r in study.respondents
        ),
        judges=tuple(
            replace(j, model=able(j.model, "chat", f"Judge {j.id!r}")) if j.model else j for j in study.judges
        ),
    )


def unsettled(study: Study, payloads: Payloads) -> frozenset[str]:
    """Name the respondents and judges of whose models something is still to be found out."""
    known = {((f.provider, f.endpoint, f.revision), f.model, f.api) for f in read_probes(study, payloads)}
    open_ = set(_needs(study)) - known
    return frozenset(who.id for who, _ in _askers(study) if _subject(who) in open_)


def _filled(endpoint: Endpoint, capability: Capability) -> Endpoint:
    """Return the endpoint with what was found out in place of None."""
    told = {
        name: getattr(capability, name)
        for name in ("sends_seed", "json_schema", "logprobs", "limit_key")
        if getattr(endpoint, name) is None
    }
    if endpoint.raw_completion is None and capability.template is not None:
        verdicts = {"raw": True, "templated": False}
        told["raw_completion"] = verdicts.get(capability.template.verdict)
    return replace(endpoint, **told)


def _askers(study: Study) -> Iterator[tuple[Respondent, tuple[str, ...]]]:
    """Go through respondents and judges, with the options that matter to each."""
    for respondent in study.respondents:
        yield respondent, ("seed", "logprobs") if study.second.rate_draws else ("seed",)
    for judge in study.judges:
        if judge.model is not None:
            yield as_asked(judge), OPTIONS


def _subject(who: Respondent) -> Subject:
    endpoint = who.model.endpoint
    return (endpoint.provider, endpoint.identity, who.model.revision), who.model.name, who.api


def _needs(study: Study) -> dict[Subject, _Need]:
    """Gather what must be found out, by subject; nothing of one about whom all is told."""
    found: dict[Subject, _Need] = {}
    for who, matter in _askers(study):
        endpoint = who.model.endpoint
        told = {"seed": endpoint.sends_seed, "schema": endpoint.json_schema, "logprobs": endpoint.logprobs}
        before = found.get(_subject(who))
        wanted = {o for o in matter if told[o] is None} | set(before.options if before else ())
        options = tuple(o for o in OPTIONS if o in wanted)
        found[_subject(who)] = _Need(
            who=who if before is None or _unusual(who) > _unusual(before.who) else before.who,
            options=options,
            limit_keys=(endpoint.limit_key,) if endpoint.limit_key else LIMIT_KEYS,
            probed=bool(options) or endpoint.limit_key is None,
            guarded=who.api == "completion" and endpoint.raw_completion is None,
        )
    return {subject: need for subject, need in found.items() if need.probed or need.guarded}


def _unusual(who: Respondent) -> float:
    """Tell how far settings are from 1, which most models take; none are the most usual."""
    return sum(-1.0 if value is None else abs(value - 1) for value in (who.temperature, who.top_p))


def _calls(study: Study, need: _Need, payloads: Payloads) -> list[Call]:
    calls = []
    if need.probed:
        trials, _ = _tried(study, need, payloads)
        calls += [_call(study, need, trial) for trial in trials]
    if need.guarded:
        calls += plan_guard(need.who, study.seed)
    return calls


def _tried(study: Study, need: _Need, payloads: Payloads) -> tuple[list[_Trial], _Trial | None]:
    """Return the trials so far with the next ones, and the simplest form that is taken, once it is known.

    First all that is needed at once. Where that is refused, the forms of a request without any option, until one
    is taken; then each option by itself in that form.
    """

    def taken(trial: _Trial) -> bool | None:
        payload = payloads.get(_call(study, need, trial).key)
        return None if payload is None else "http_status" not in payload

    first = _Trial(need.limit_keys[0], settings=True, options=need.options)
    trials = [first]
    if taken(first) is not False:
        return trials, first if taken(first) else None
    has_settings = need.who.temperature is not None or need.who.top_p is not None
    for settings in (True, False) if has_settings else (True,):
        for key in need.limit_keys:
            plain = _Trial(key, settings, ())
            if plain not in trials:
                trials.append(plain)
            if taken(plain) is None:
                return trials, None
            if taken(plain):
                only_option = len(need.options) == 1 and (key, settings) == (first.limit_key, True)
                singles = [] if only_option else [_Trial(key, settings, (o,)) for o in need.options]
                return [*trials, *singles], plain
    return trials, None


def _call(study: Study, need: _Need, trial: _Trial) -> Call:
    endpoint = replace(need.who.model.endpoint, sends_seed="seed" in trial.options, limit_key=trial.limit_key)
    who = replace(need.who, model=replace(need.who.model, endpoint=endpoint))
    if not trial.settings:
        who = replace(who, temperature=None, top_p=None)
    is_chat = who.api == "chat"
    content: dict[str, Any] = {"max_tokens": MAX_TOKENS[who.api]}
    content |= {"messages": [{"role": "user", "content": QUESTION}]} if is_chat else {"prompt": QUESTION}
    if "schema" in trial.options:
        named = {"name": "fruit", "strict": True, "schema": SCHEMA}
        content["response_format"] = {"type": "json_schema", "json_schema": named}
    if "logprobs" in trial.options:
        content |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS} if is_chat else {"logprobs": TOP_LOGPROBS}
    return build_call(who, "probe", trial.item_id, 0, content, study.seed)


def _capability(study: Study, need: _Need, calls: Sequence[Call], payloads: Payloads) -> Capability:
    """Read what the answers tell; where no form was taken, the study's own calls will say why."""
    endpoint = need.who.model.endpoint
    found = Capability(
        endpoint.provider,
        endpoint.identity,
        need.who.model.revision,
        need.who.model.name,
        need.who.api,
        len(calls),
    )
    if need.probed:
        trials, base = _tried(study, need, payloads)
        answers = [(trial, payloads[_call(study, need, trial).key]) for trial in trials]

        def has(option: str) -> bool | None:
            if option not in need.options:
                return None
            return any(_shows(option, answer) for trial, answer in answers if option in trial.options)

        found = replace(
            found,
            sends_seed=has("seed"),
            json_schema=has("schema"),
            logprobs=has("logprobs"),
            limit_key=base.limit_key if base else need.limit_keys[0],
            settings=base.settings if base else None,
        )
    if need.guarded:
        found = replace(found, template=read_guard(plan_guard(need.who, study.seed), payloads))
    return found


def _shows(option: str, payload: Mapping[str, Any]) -> bool:
    """Tell whether an answer shows that an option did what it is for; a seed need only be taken."""
    if "http_status" in payload:
        return False
    if option == "seed":
        return True
    try:
        reply = read_reply("", payload)
        if option == "logprobs":
            return bool(reply.tokens)
        answer = json.loads(reply.text)
    except (ValueError, DataError):
        return False
    return isinstance(answer, dict) and set(answer) == {"fruit"} and isinstance(answer["fruit"], str)
