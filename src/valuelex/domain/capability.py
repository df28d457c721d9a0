"""What was found out about a model at its endpoint before the study's own calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from valuelex.domain.call import Api
from valuelex.domain.study import LimitKey

Verdict = Literal["raw", "templated", "cannot tell"]
"""Of raw completion: the model reads the prompt as it is, or wrapped into a chat; or the signs do not agree."""


@dataclass(frozen=True, slots=True)
class TemplateSigns:
    """Whether an endpoint wraps a raw prompt into a chat, and what speaks for it.

    `n_tokens_once` and `n_tokens_twice` are the prompt tokens that the endpoint counts for a text and for the same
    text twice over; `n_added` is twice the one less the other, the tokens that stand around every prompt: 0 or 1 (a
    mark of the beginning) for a raw one. They are None where it counts none, or the same for both. `goes_on` tells
    whether the model went on in the middle of a word, `control` whether marks of a chat stood in its answers.
    """

    verdict: Verdict
    n_tokens_once: int | None
    n_tokens_twice: int | None
    n_added: int | None
    goes_on: bool
    control: bool
    reply: str


@dataclass(frozen=True, slots=True)
class Capability:
    """What a model can do at its endpoint, by one API. None: not needed by the study, or still open."""

    provider: str
    endpoint: str
    revision: str
    model: str
    api: Api
    n_calls: int
    sends_seed: bool | None = None
    json_schema: bool | None = None
    logprobs: bool | None = None
    limit_key: LimitKey | None = None
    template: TemplateSigns | None = None
