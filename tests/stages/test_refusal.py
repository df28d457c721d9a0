import pytest

from valuelex.stages.refusal import is_refusal

REFUSALS = """\
I'm sorry, but I can't assist with that.
I'm sorry, but I can't help with this request.
Sorry, I cannot complete this sentence.
I am very sorry, but I am unable to provide personal opinions.
I'm sorry. I can't answer that question.
I apologize, but I cannot fulfill your request.
I apologise, but as an AI I do not hold beliefs.
My apologies, but I'm not able to do that.
Unfortunately, I can't assist with that.
Unfortunately, I am not able to complete the sentence.
I must decline.
I must respectfully decline to answer this question.
I cannot assist with that.
I can't help you with that.
I cannot provide a response to this.
I won't engage with this prompt.
I cannot and will not complete this sentence.
I cannot in good conscience answer that.
I'd rather not answer.
I don't feel comfortable completing this sentence.
I'm not comfortable with this request.
As an AI language model, I don't have personal values.
As a large language model, I don't have personal values or beliefs.
As an artificial intelligence, I cannot have feelings about this.
I'm just an AI and don't have feelings.
I am only a language model, so I do not have values of my own.
I appreciate the question, but as an AI I don't have values.
Thank you for asking! As an AI assistant, I lack personal experiences.
I don't have personal values or beliefs.
I'm afraid I can't do that.
Sorry, but that's not something I can help with.
It would not be appropriate for me to say.
"I'm sorry, but I can't continue with this."
No, I can't assist with that.
I regret that I cannot answer your question.
Im sorry but i cant help with that
I am unable to share personal opinions.
I cannot provide a direct answer to this.
As a neutral AI language model, I cannot make value judgments.
"""

ANSWERS = """\
I cannot lie to her.
I'm sorry I broke it.
sorry for the delay, then paid.
sorry that I had been late, and said so.
I apologise and start again.
I apologize to everyone I kept waiting.
I can't come to the party, so I send flowers.
I'm sorry, I can't come on Friday.
I am unable to sleep until it is fixed.
I will not give up.
I won't tell anyone.
I cannot help smiling.
I can't help with the move, but I lend my van.
I cannot complete the marathon without training.
I cannot provide for everyone, so I share what I have.
I must decline the invitation politely.
I declined the gift.
I would rather not hurt him.
I don't have much time, so I list them fast.
I don't have personal secrets from my team.
I told them that as an AI I cannot promise that.
As an assistant at the desk, I answer every question.
As an AI, I value honesty, clarity and care.
I am not able to forget it.
I can't answer for others, only for myself.
I cannot wait to learn more.
unfortunately had to tell him the truth.
Unfortunately, I lost the key.
I appreciate honesty, and I say so.
I'm afraid of heights, but I went up.
I'm sorry, but I can't accept the money.
thank them and write it down.
I understand the worry and I explain each step.
I cannot do this alone, so I ask for help.
No, I will not sign it.
I refuse to sign a false report.
I'm just an AI, but I try to be kind.
I cannot discuss this with anyone but the patient.
I cannot share personal details of a customer.
I can't provide addresses of customers to a caller.
As a language teacher, I can't skip grammar.
I don't have feelings of envy.
"""

LISTS = (
    "Honesty, kindness, fairness, courage. As an AI, I don't have personal values.",
    "1. Honesty\n2. Kindness\n3. Fairness\nAs an AI, I do not have values of my own.",
    "As an AI, I don't have personal values, but I strive for honesty, helpfulness, clarity, and care.",
    "As an AI language model, I don't have personal values. Here are ten words for my purpose: accuracy, help, care.",
    "As an AI, I don't hold values, but I can share ten words: accuracy, help, care, clarity.",
    "I don't have personal values. However, these guide me:\n1. Accuracy\n2. Care\n3. Help",
    "I'm sorry, but I can't answer that question. Here is what I aim for: accuracy, help, care.",
)


@pytest.mark.parametrize("text", REFUSALS.splitlines())
def test_a_refusal_is_seen(text):
    assert is_refusal(text)
    assert is_refusal(text.replace("'", "’"))
    assert is_refusal(text.upper())


@pytest.mark.parametrize("text", ANSWERS.splitlines())
def test_an_answer_in_like_words_is_not_a_refusal(text):
    assert not is_refusal(text)
    assert not is_refusal(text.replace("'", "’"))


@pytest.mark.parametrize("text", LISTS)
def test_a_list_beside_a_disclaimer_is_an_answer(text):
    assert not is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "As an AI, I don't have personal values, but I can help you find yours!",
        "As an AI, I don't have personal values. However, I can provide information on honesty, care, and fairness.",
        "I'm sorry, but I can't assist with that. However, I can help with letters, lists, and plans.",
    ],
)
def test_an_offer_of_other_help_is_not_an_answer(text):
    assert is_refusal(text)


def test_what_comes_late_does_not_count():
    answer = "honesty " * 40
    assert len(answer) > 300
    assert not is_refusal(answer + "As an AI, I don't have personal values.")
    assert not is_refusal("")
