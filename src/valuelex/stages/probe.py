"""Find out what a model can do at its endpoint, by a few short calls before the study's own.

Owns what is tried, in which order, and how the answers are read. Only what the study needs and nobody told is tried.
The same answers always lead to the same plan, and probes hold nothing of the study's own, so that what was found out
stays so whoever joins it. Whether a model takes a respondent's own settings is not tried: its first call tells. Does
not tell chat templates; `template_guard` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from valuelex.domain.call import Api, Call, Route
from valuelex.domain.capability import Capability
from valuelex.domain.read_reply import read_reply
from valuelex.domain.study import Endpoint, LimitKey, Model, Respondent, Study
from valuelex.errors import DataError
from valuelex.stages.judge_prompt import as_asked
from valuelex.stages.naming import as_asked as namer_as_asked
from valuelex.stages.request import build_call
from valuelex.stages.scale_point import TOP_LOGPROBS
from valuelex.stages.template_guard import plan_guard, read_guard

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
SEED = 0
"""What the seeds of probes follow from, in place of the study's seed."""

Payloads = Mapping[str, Mapping[str, Any]]
"""Answers to probes by call key, as they came; a refusal holds `http_status`."""
Subject = tuple[Route, str, Api]
"""Where, which model, and by which API: what is found out is found out of this."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """One form of a request: the name of its limit, with or without temperature and top_p, and what it asks for."""

    limit_key: LimitKey
    settings: bool
    options: tuple[str, ...] = ()

    @property
    def item_id(self) -> str:
        parts = [self.limit_key, *(["settings"] if self.settings else []), *self.options]
        return "can/" + "+".join(parts)

    @property
    def plain(self) -> _Trial:
        """The form itself, asking for nothing."""
        return replace(self, options=())


_TRIALS = tuple(
    _Trial(key, settings, options)
    for key in LIMIT_KEYS
    for settings in (True, False)
    for n in range(len(OPTIONS) + 1)
    for options in combinations(OPTIONS, n)
)
"""Every request that any study may try. They are the same whatever it sends, so that answers serve others as well."""


@dataclass(frozen=True, slots=True)
class _Need:
    """What a study must know about a subject. `who` stands for it, with usual settings, whoever is in the study."""

    who: Respondent
    options: tuple[str, ...]
    limit_keys: tuple[LimitKey, ...]
    guarded: bool

    @property
    def probed(self) -> bool:
        return bool(self.options) or len(self.limit_keys) > 1


@dataclass(frozen=True, slots=True)
class _Tried:
    """What is known of a subject by the trials that were answered, in this study or in one before."""

    need: _Need
    answered: Mapping[_Trial, Mapping[str, Any]]

    @property
    def forms(self) -> list[_Trial]:
        return [_Trial(key, settings) for settings in (True, False) for key in self.need.limit_keys]

    def is_taken(self, trial: _Trial) -> bool:
        return trial in self.answered and "http_status" not in self.answered[trial]

    def is_refused(self, trial: _Trial) -> bool:
        return trial in self.answered and "http_status" in self.answered[trial]

    def is_good(self, form: _Trial) -> bool:
        """Tell whether a form is taken, with options or without."""
        return any(self.is_taken(trial) for trial in self.answered if trial.plain == form)

    @property
    def base(self) -> _Trial | None:
        """The simplest form that is taken; None while none is known."""
        return next((form for form in self.forms if self.is_good(form)), None)

    @property
    def limit_key(self) -> LimitKey | None:
        """The name of the limit, the first in use where none is taken at all; None while open."""
        if self.base is not None:
            return self.base.limit_key
        is_told = len(self.need.limit_keys) == 1
        return self.need.limit_keys[0] if is_told or self.is_hopeless else None

    def has(self, option: str) -> bool | None:
        """Tell whether there is an option: it showed; it did not, or is what was refused; None while open.

        Of a subject that takes no form at all there is none: the study's own calls will say why.
        """
        trials = [trial for trial in self.answered if option in trial.options]
        if any(_shows(option, self.answered[trial]) for trial in trials):
            return True
        if any(self.is_taken(t) or (t.options == (option,) and self.is_good(t.plain)) for t in trials):
            return False
        return False if self.is_hopeless else None

    @property
    def open(self) -> tuple[str, ...]:
        return tuple(option for option in self.need.options if self.has(option) is None)

    def left(self) -> list[_Trial]:
        """Return the next trials; none once all that is needed is known.

        First all that is needed at once. Where that is refused, the forms of a request without any option, until
        one is taken; in that form all at once again, and where that is refused, each option by itself.
        """
        base, open_ = self.base, self.open
        if base is None:
            if self.is_hopeless or (not open_ and len(self.need.limit_keys) == 1):
                return []
            steps = (replace(self.forms[0], options=open_), *self.forms)
            return [trial for trial in steps if trial not in self.answered][:1]
        if not open_:
            return []
        refused = {t.options for t in self.answered if t.plain == base and self.is_refused(t)}
        if any(set(open_) <= set(options) for options in refused):
            return [replace(base, options=(option,)) for option in open_]
        return [replace(base, options=open_)]

    @property
    def is_hopeless(self) -> bool:
        return all(self.is_refused(form) for form in self.forms)

    def most_left(self) -> int:
        """Count the trials to come where all but the last form of a request is refused."""
        if not self.left():
            return 0
        n_open = len(self.open)
        steps = {replace(self.forms[0], options=self.open), *self.forms} if self.base is None else set()
        return len(steps - set(self.answered)) + n_open + (n_open > 1)


def possible_probes(study: Study) -> tuple[str, ...]:
    """Return the keys of all calls whose answers tell something that the study needs, whoever asked them."""
    return tuple(
        call.key
        for need in _needs(study).values()
        for call in (*_trial_calls(need).values(), *_guard(study, need))
    )


def plan_probes(study: Study, payloads: Payloads) -> tuple[Call, ...]:
    """Plan the probes of a study as far as they can be told from the answers so far.

    Parameters
    ----------
    study
        As resolved: what nobody told is None in its endpoints.
    payloads
        Answers to `possible_probes`.

    Returns
    -------
    tuple of Call
        Those that were answered and the next ones; when all are answered, everything is found out. Empty where
        the study needs to know nothing.
    """
    return tuple(call for need in _needs(study).values() for call in _calls(study, need, payloads))


def most_probes(study: Study, payloads: Payloads) -> int:
    """Count the probes of a study at the most, those answered among them.

    That is how many they are where endpoints refuse all but the last form of a request.
    """
    most = 0
    for need in _needs(study).values():
        tried = _tried(need, payloads)
        most += len(tried.answered) + tried.most_left() if need.probed else 0
        most += len(_guard(study, need))
    return most


def read_probes(study: Study, payloads: Payloads) -> tuple[Capability, ...]:
    """Read what was found out so far; a model of which no probe was answered is left out.

    What is still open is None: calls that do not depend on it are known, though nobody may be there to be asked.
    """
    found = []
    for need in _needs(study).values():
        n_answered = sum(call.key in payloads for call in _calls(study, need, payloads))
        if n_answered:
            found.append(_capability(study, need, n_answered, payloads))
    return tuple(found)


def with_capabilities(study: Study, found: Sequence[Capability]) -> Study:
    """Fill in what was found out, so that every call can be planned; what the study told stays as it is."""
    by_subject: dict[Subject, Capability] = {
        ((f.provider, f.endpoint, f.revision), f.model, f.api): f for f in found
    }

    def able(model: Model, api: Api) -> Model:
        endpoint = model.endpoint
        route = (endpoint.provider, endpoint.identity, model.revision)
        capability = by_subject.get((route, model.name, api))
        return replace(model, endpoint=_filled(endpoint, capability)) if capability else model

    return replace(
        study,
        respondents=tuple(replace(r, model=able(r.model, r.api)) for r in study.respondents),
        judges=tuple(replace(j, model=able(j.model, "chat")) if j.model else j for j in study.judges),
        namer=replace(study.namer, model=able(study.namer.model, "chat")) if study.namer else None,
    )


def unsettled(study: Study, payloads: Payloads) -> dict[str, tuple[str, ...]]:
    """Name the respondents, judges and namer of whose models something is still to be found out.

    Returns
    -------
    dict
        The keys of the next probes of each, by id.
    """
    open_ = {
        subject: tuple(c.key for c in _calls(study, need, payloads) if c.key not in payloads)
        for subject, need in _needs(study).items()
    }
    left = {who.id: open_.get(_subject(who), ()) for who, _ in _askers(study)}
    return {who: keys for who, keys in left.items() if keys}


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
    """Go through respondents, judges and the namer, with the options that matter to each."""
    for respondent in study.respondents:
        rates = study.second.rate_draws or (study.terms is not None and study.terms.probabilities)
        yield respondent, ("seed", "logprobs") if rates else ("seed",)
    for judge in study.judges:
        if judge.model is not None:
            yield as_asked(judge), OPTIONS
    if study.namer is not None:
        yield namer_as_asked(study.namer), ("seed", "schema")


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
        found[_subject(who)] = _Need(
            who=_usual(who),
            options=tuple(o for o in OPTIONS if o in wanted),
            limit_keys=(endpoint.limit_key,) if endpoint.limit_key else LIMIT_KEYS,
            guarded=who.api == "completion" and endpoint.raw_completion is None,
        )
    return {subject: need for subject, need in found.items() if need.probed or need.guarded}


def _usual(who: Respondent) -> Respondent:
    """Return who stands for a model in its probes: not a respondent, whose own settings others need not share."""
    name = f"probe of {who.model.label}"
    return replace(who, id=name, temperature=1.0, top_p=1.0, reasoning_effort="")


def _calls(study: Study, need: _Need, payloads: Payloads) -> list[Call]:
    """Return the probes that were answered, and the next ones."""
    calls = []
    if need.probed:
        by_trial, tried = _trial_calls(need), _tried(need, payloads)
        calls += [by_trial[trial] for trial in (*tried.answered, *tried.left())]
    return calls + list(_guard(study, need))


def _guard(study: Study, need: _Need) -> tuple[Call, ...]:
    return plan_guard(need.who, study.seed) if need.guarded else ()


def _tried(need: _Need, payloads: Payloads) -> _Tried:
    calls = _trial_calls(need)
    return _Tried(need, {t: payloads[call.key] for t, call in calls.items() if call.key in payloads})


def _trial_calls(need: _Need) -> dict[_Trial, Call]:
    return {trial: _call(need, trial) for trial in _TRIALS} if need.probed else {}


def _call(need: _Need, trial: _Trial) -> Call:
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
    return build_call(who, "probe", trial.item_id, 0, content, SEED)


def _capability(study: Study, need: _Need, n_calls: int, payloads: Payloads) -> Capability:
    """Read what the answers tell."""
    endpoint = need.who.model.endpoint
    found = Capability(
        endpoint.provider,
        endpoint.identity,
        need.who.model.revision,
        need.who.model.name,
        need.who.api,
        n_calls,
    )
    if need.probed:
        tried = _tried(need, payloads)
        has = {option: tried.has(option) for option in need.options}
        found = replace(
            found,
            sends_seed=has.get("seed"),
            json_schema=has.get("schema"),
            logprobs=has.get("logprobs"),
            limit_key=tried.limit_key,
        )
    guard = _guard(study, need)
    if need.guarded and all(call.key in payloads for call in guard):
        found = replace(found, template=read_guard(guard, payloads))
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
