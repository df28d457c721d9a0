from valuelex.domain.wording import either


def test_a_choice_has_an_or_before_its_last() -> None:
    assert either(["a"]) == "'a'"
    assert either(["a", "b"]) == "'a' or 'b'"
    assert either(("a", "b", "c")) == "'a', 'b' or 'c'"
