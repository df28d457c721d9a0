import pytest

from valuelex.stages.clean import clean_answer


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("honesty, care", "honesty, care"),
        ("honesty<|im_end|>", "honesty"),
        ("<s>[INST]care[/INST]</s>", "care"),
        ("Sure! help them learn.", "help them learn."),
        ("Certainly: care", "care"),
        ("Sure, I opened the door.", "Sure, I opened the door."),
        ("Sure!", "Sure!"),
        ("I was sure. I left.", "I was sure. I left."),
    ],
)
def test_what_is_no_part_of_the_answer_is_taken_off(text, left):
    assert clean_answer(text) == left
