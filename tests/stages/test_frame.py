import json
from dataclasses import replace

from examples import projective_test, respondent, study
from valuelex.domain.measure import RawFrame
from valuelex.stages.project import plan_completions


def test_raw_completion_is_put_in_the_frame_of_the_test():
    framed = replace(projective_test(1), frame=RawFrame("How it ended:", "Now {subject} writes on:"))
    who = [respondent("raw", api="completion", subject="a nurse")]
    (call,) = plan_completions(study(who, test=framed))
    lines = json.loads(call.body)["prompt"].splitlines()
    assert lines[0] == "How it ended:"
    assert lines[-2:] == ["Now a nurse writes on:", "When the bell rang 0 times, I"]
