"""The head of study files whose respondents are one model of a loopback endpoint, as itself and in two personas."""

from __future__ import annotations

from collections.abc import Sequence

HEAD = """
[study]
name = "{name}"
seed = 7
[personas]
nurse = "an experienced nurse"
judge = "a judge"
[endpoints.fake]
base_url = "{url}"
{endpoint}
"""
RESPONDENTS = """
[[respondents]]
model = "fake/{model}"
api = "{api}"
personas = ["", "nurse", "judge"]
"""


def study_head(
    name: str, url: str, *, model: str = "good", apis: Sequence[str] = ("chat",), endpoint: str = ""
) -> str:
    """Write all up to the respondents; `endpoint` are further keys of it, and keys of the last grid may follow."""
    grids = "".join(RESPONDENTS.format(model=model, api=api) for api in apis)
    return HEAD.format(name=name, url=url, endpoint=endpoint) + grids
