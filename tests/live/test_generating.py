"""Writing: the same words and the same scores as Hugging Face's ``generate()``, and what it adds to that."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from genviz.analysis.decoding import Settings, decode
from genviz.errors import ControlError, DeadlineExceeded, LiveError
from genviz.live import InlineEngine, LanguageModel, choosing
from genviz.live.choosing import first_of
from genviz.live.progress import listening
from genviz.live.tokenizing import Tokenizing
from tests.live.small_models import IDS, VOCAB, Identity, live_of

FAMILIES = ["gpt2", "llama", "t5"]
HANDMADE = ["gpt", "translator", "positions first"]
SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {"temperature": 0.0},
    "plain sampling": {},
    "temperature": {"temperature": 1.7},
    "top-k": {"top_k": 5},
    "top-p": {"top_p": 0.8},
    "min-p": {"min_p": 0.1},
    "penalty, greedy": {"temperature": 0.0, "repetition_penalty": 1.8},
    "banned": {"banned": [[7], [5, 9], [20]]},
    "everything": {
        "temperature": 1.4, "top_k": 12, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.3,
        "banned": [[7], [5, 9]],
    },
}  # fmt: skip


def followed(live: LanguageModel, prompt: Any, **asked: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What is written, and what was handed over on the way."""
    items: list[dict[str, Any]] = []
    with listening(lambda _, __: None, items.append):
        result = live.generate(prompt, **asked)
    return result, items


def hugging_face(
    live: LanguageModel, settings: dict[str, Any], *, samples: int, most: int, seed: int
) -> tuple[list[list[int]], list[Any]]:
    """Ids (without what follows an end) and the scores of each step."""
    model: Any = live.modules[""]
    given = dict(settings)
    temperature = given.pop("temperature", 1.0)
    banned = given.pop("banned", None)
    given.setdefault("top_k", 0)
    drawing = {**given, "temperature": temperature} if temperature > 0 else {
        name: value for name, value in given.items() if name == "repetition_penalty"
    }  # fmt: skip
    torch.manual_seed(seed)
    ids = torch.tensor([IDS] * samples)
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=temperature > 0, bad_words_ids=banned,
        max_new_tokens=most, output_scores=True, return_dict_in_generate=True, pad_token_id=0, **drawing,
    )  # fmt: skip
    start = 1 if live.two_sided else len(IDS)
    ends = model.generation_config.eos_token_id
    rows = [row[start:] for row in out.sequences.tolist()]
    return [row[: row.index(ends) + 1] if ends in row else row for row in rows], list(out.scores)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", SETTINGS)
def test_words_and_distributions_are_those_of_generate(
    family: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "SHOWN", VOCAB)
    live, most, samples, seed = live_of(family), 9, 3, 11
    expected, scores = hugging_face(live, SETTINGS[name], samples=samples, most=most, seed=seed)
    found, items = followed(live, IDS, max_new=most, samples=samples, seed=seed, **SETTINGS[name])
    assert [sample["ids"] for sample in found["samples"]] == expected
    compared = 0
    for item, step in zip(items, scores, strict=False):
        for at, told in enumerate(item["samples"]):
            if told is not None:
                compared += 1
                wanted = step[at].double()
                wanted = wanted.softmax(0) if name not in ("greedy", "penalty, greedy") else _sure(wanted)
                after = np.zeros(VOCAB)
                after[told["ids"]] = told["after"]
                np.testing.assert_allclose(after, wanted.numpy(), atol=1e-6)
    assert compared == sum(map(len, expected))


def _sure(scores: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(scores.argmax(), len(scores)).double()


@pytest.mark.parametrize("family", [*FAMILIES, *HANDMADE])
def test_temperature_zero_gives_the_same_twice_and_the_likeliest(family: str) -> None:
    live = live_of(family)
    first, second = (live.generate(IDS, temperature=0, max_new=6, seed=seed) for seed in (1, 2))
    assert first["samples"] == second["samples"]
    ids = first["samples"][0]["ids"]
    for step, word in enumerate(ids):
        scores = live.next_scores(IDS, answer=ids[:step])["logits"]
        assert scores.argmax() == word
        chance = np.exp(scores[word] - np.logaddexp.reduce(scores.astype(float)))
        assert first["samples"][0]["probabilities"][step] == pytest.approx(chance, rel=1e-4)


@pytest.mark.parametrize("family", [*FAMILIES, *HANDMADE])
def test_an_answer_taken_up_again_goes_on_as_it_would_have_gone(family: str) -> None:
    live = live_of(family)
    asked: dict[str, Any] = {"temperature": 1.5, "top_p": 0.9, "max_new": 8, "samples": 2, "seed": 4}
    whole = live.generate(IDS, **asked, banned=[[1], [2]])["samples"]
    alone = live.generate(IDS, **{**asked, "samples": 1}, banned=[[1], [2]])["samples"][0]
    again = live.generate(IDS, **{**asked, "samples": 1}, banned=[[1], [2]], begin=alone["ids"][:3])
    assert again["samples"][0]["ids"] == alone["ids"]
    assert again["begin"] == 3
    assert len(again["samples"][0]["probabilities"]) == 5
    assert whole[0]["ids"] != whole[1]["ids"]


@pytest.mark.parametrize("family", [*FAMILIES, *HANDMADE])
def test_another_word_is_one_that_is_forced_there(family: str) -> None:
    """What comes before stays, what comes after is what follows the other word."""
    live = live_of(family)
    asked: dict[str, Any] = {"max_new": 7, "seed": 3, "banned": [[1], [2]]}
    ids = live.generate(IDS, **asked)["samples"][0]["ids"]
    other = (ids[3] + 5) % VOCAB if (ids[3] + 5) % VOCAB not in (1, 2) else 8
    forced = live.generate(IDS, **asked, forced={3: other})["samples"][0]
    begun = live.generate(IDS, **asked, begin=[*ids[:3], other])["samples"][0]
    assert forced["ids"][:4] == [*ids[:3], other]
    assert forced["ids"] == begun["ids"]
    assert forced["chances"][3] == 1
    assert 0 < forced["probabilities"][3] < 1


def test_scores_of_a_step_are_what_the_step_was_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "SHOWN", VOCAB)
    for family in [*FAMILIES, *HANDMADE]:
        live = live_of(family)
        how: dict[str, Any] = {"temperature": 0.8, "top_k": 9, "repetition_penalty": 1.5}
        found, items = followed(live, IDS, max_new=5, **how)
        for step, item in enumerate(items):
            told = live.next_scores(IDS, answer=found["samples"][0]["ids"][:step])
            expected = decode(told["logits"], told["earlier"], Settings(**how))
            sample = item["samples"][0]
            np.testing.assert_allclose(sample["after"], expected.after[sample["ids"]], atol=1e-5)
            np.testing.assert_allclose(sample["before"], expected.before[sample["ids"]], atol=1e-5)
            assert sample["excluded_by"] == [expected.reason(word) for word in sample["ids"]]


def test_what_is_handed_over_is_cut_short_and_what_is_drawn_from_is_not() -> None:
    _, items = followed(live_of("gpt2"), IDS, max_new=30, temperature=5.0, seed=0)
    drawn = [item["samples"][0] for item in items]
    assert all(len(told["ids"]) <= 2 * choosing.SHOWN + 1 for told in drawn)
    assert all(told["open"] == VOCAB for told in drawn)
    assert any(told["rank"] > choosing.SHOWN for told in drawn), "words beyond those shown are said too"
    assert all(told["id"] in told["ids"] for told in drawn)


# -- ends ------------------------------------------------------------------------------------------------


class Letters:
    """A tokenizer of pairs of letters, so that words run over its borders."""

    vocab_size, eos_id = VOCAB, 39

    def encode(self, text: str) -> list[int]:
        return [sum(map(ord, text[at : at + 2])) % 38 for at in range(0, len(text), 2)]

    def tokens(self, ids: Sequence[int]) -> list[str]:
        return [chr(97 + each % 13) + chr(97 + each // 13) for each in ids]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.tokens(ids))


def test_a_stop_sequence_is_found_across_the_borders_of_tokens() -> None:
    live = LanguageModel(live_of("gpt2").modules[""], Letters(), text="hello")
    text = live.generate("hello", temperature=0, max_new=8)["samples"][0]["text"]
    stop = text[3:6]  # begins in the middle of a token
    sample = live.generate("hello", temperature=0, max_new=8, stop=["never there", stop])["samples"][0]
    assert (sample["ended"], sample["stop"]) == ("stop", stop)
    assert sample["text"] == text[: text.index(stop)]
    assert len(sample["ids"]) == -(-(text.index(stop) + len(stop)) // 2), "not one token more"


def test_which_stop_sequence_is_meant() -> None:
    assert first_of(["b", "ab"], "xxab") == "ab"
    assert first_of(["ab", "abc"], "abcd") == "abc"
    assert first_of([], "abcd") == first_of(["e"], "abcd") == ""


@pytest.mark.parametrize("family", [*FAMILIES, "translator"])
def test_the_model_ends_a_text_by_itself(family: str) -> None:
    live = live_of(family)
    ids = live.generate(IDS, temperature=0, max_new=3)["samples"][0]["ids"]

    class Ending(Identity):
        eos_id = ids[2]

    config = getattr(live.modules[""], "generation_config", None)
    if config is not None:
        config.eos_token_id = [ids[2], 38]
    live.target = Tokenizing(Ending())
    sample = live.generate(IDS, temperature=0, max_new=9)["samples"][0]
    assert sample["ended"] == "end"
    assert sample["ids"] == ids[: ids.index(ids[2]) + 1]


def test_the_context_ends_what_does_not_end_itself() -> None:
    for family in ("gpt", "gpt2"):  # both read 16 tokens
        sample = live_of(family).generate(IDS, max_new=64)["samples"][0]
        assert sample["ended"] == "context"
        assert len(IDS) + len(sample["ids"]) == 17, "the last one is written and not read"
    assert live_of("gpt2").generate(list(range(16)), max_new=4)["samples"][0]["ended"] == "context"


def test_length_and_time_end_it_too() -> None:
    live = live_of("llama")
    assert live.generate(IDS, max_new=1, banned=[[2]])["samples"][0]["ended"] == "length"
    sample = live.generate(IDS, max_new=500, banned=[[2]], seconds=0.0)["samples"][0]
    assert (sample["ended"], len(sample["ids"])) == ("time", 1)


def test_samples_that_end_early_leave_the_others_as_they_are() -> None:
    live = live_of("t5")
    found, items = followed(live, IDS, max_new=30, samples=6, seed=2, temperature=2.0)
    lengths = [len(sample["ids"]) for sample in found["samples"]]
    assert len(set(lengths)) > 1
    for at, length in enumerate(lengths):
        assert [item["samples"][at] is not None for item in items] == [n < length for n in range(len(items))]
    assert all(sample["ended"] in ("end", "length") for sample in found["samples"])


# -- recording ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["gpt2", "llama", "t5", "gpt", "translator"])
def test_attention_of_a_run_is_that_of_one_pass_over_the_whole(family: str) -> None:
    """For keys kept in a cache: the calls put together."""
    live = live_of(family)
    answer = [3, 30, 12, 8]
    found = live.record_answer(IDS, answer)
    whole = live.record([*IDS, *answer]) if not live.two_sided else live.record(IDS, answer)
    for site in whole.sites(kind="attention"):
        cached = hasattr(live.modules[""], "generation_config")
        last = found.attention(site) if cached else found.attention(site, call=len(answer))
        expected = whole.attention(site)
        shorter = [min(a, b) for a, b in zip(last.shape, expected.shape, strict=True)]
        cut = tuple(slice(each) for each in shorter)
        np.testing.assert_allclose(last[cut], expected[cut], atol=1e-5)


# -- bad input ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "asked", "says"),
    [
        ("", {}, "the prompt is empty: give at least one word to go on from"),
        ("  \n ", {}, "the prompt is empty"),
        ([], {}, "the prompt is empty"),
        (list(range(20)), {}, "the prompt has 20 tokens, and this model reads 16: shorten it by 4"),
        (IDS, {"begin": list(range(11))}, "prompt and answer have 17 tokens, and this model reads 16"),
        (IDS, {"max_new": 0}, "max_new=0 does not fit: give 1 token or more"),
        (IDS, {"max_new": -3}, "max_new=-3 does not fit"),
        (IDS, {"max_new": 2.5}, "max_new=2.5 does not fit"),
        (
            IDS,
            {"max_new": 2, "begin": [1, 2]},
            "max_new=2 does not fit: the answer begins with 2 tokens already",
        ),
        (
            IDS,
            {"temperature": -1},
            "temperature=-1 does not fit: give 0 (the likeliest word each time) or more",
        ),
        (IDS, {"top_p": 0}, "top_p=0 does not fit: give more than 0 and at most 1"),
        (IDS, {"top_p": 1.01}, "top_p=1.01 does not fit"),
        (IDS, {"stop": ["a", ""]}, "a stop sequence is empty, and would end every answer"),
        (IDS, {"samples": 0}, "samples=0 does not fit: give 1 to 16"),
        (IDS, {"samples": 99}, "samples=99 does not fit: give 1 to 16"),
        (IDS, {"seed": -1}, "seed=-1 does not fit: give 0 or more"),
        (IDS, {"banned": [" "]}, "a word is empty: give words of at least one letter"),
        (IDS, {"banned": [[n] for n in range(VOCAB)]}, "no word is left to be said: 40 are banned"),
        (IDS, {"forced": {1: [77]}, "max_new": 3}, "the forced id 77 is not one of the 40 of this model"),
        (IDS, {"forced": {-1: [7]}}, "forced step -1 does not fit: steps count from 0"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(prompt: Any, asked: Any, says: str) -> None:
    for family in ("gpt2", "gpt"):
        with pytest.raises(ControlError) as refused:
            live_of(family).generate(prompt, **asked)
        assert says in str(refused.value)


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(
        LiveError, match=r"generate\(\) has no argument 'warmth': beside its own it takes banned"
    ):
        live_of("gpt2").generate(IDS, warmth=3)  # type: ignore[call-arg]


def test_a_word_that_the_model_does_not_know_cannot_be_banned() -> None:
    from sample_models.gpt.model import parts

    live = LanguageModel(**parts())
    with pytest.raises(ControlError, match="'zeppelin' is not in this model's vocabulary"):
        live.generate("the cat", banned=["zeppelin"])
    text = live.generate("the robber went to the", temperature=0, banned=["bank"])["samples"][0]["text"]
    assert "bank" not in text
    assert text != live.generate("the robber went to the", temperature=0)["samples"][0]["text"]
    said = live.generate("the robber went to the", temperature=0, forced={0: "river"})["samples"][0]["text"]
    assert said.startswith("river")


def test_a_model_without_a_tokenizer_reads_and_writes_numbers() -> None:
    live = LanguageModel(live_of("gpt2").modules[""])
    sample = live.generate("5 9 3", temperature=0, max_new=3)["samples"][0]
    assert sample["text"] == " ".join(map(str, sample["ids"]))
    with pytest.raises(LiveError, match="this model has no tokenizer, so it cannot read 'the cat'"):
        live.generate("the cat")


def test_scores_that_are_not_numbers_are_said() -> None:
    live = live_of("gpt2")
    next(live.modules[""].parameters()).data[0] = float("nan")
    with pytest.raises(LiveError, match="scores for token 1 are not numbers"):
        live.generate([0, 1, 2])


def test_models_that_do_not_write_do_not_offer_it() -> None:
    for family in (*FAMILIES, *HANDMADE):
        assert {"generate", "next_scores", "record_answer"} <= set(live_of(family).abilities)
    assert "generate" not in live_of("bert").abilities


def test_a_deadline_stops_within_a_token() -> None:
    with InlineEngine(live_of("llama")) as engine:
        call = engine.submit("generate", prompt=IDS, max_new=100_000, banned=[[2]], deadline=1.5)
        items: list[Any] = []
        with pytest.raises(DeadlineExceeded):
            items.extend(call.items())
        assert items
        assert engine.call("generate", prompt=IDS, max_new=2)["samples"]


def test_the_models_own_rules_are_kept() -> None:
    live = live_of("gpt2")
    free = live.generate(IDS, temperature=0, max_new=1)["samples"][0]["ids"][0]
    config: Any = live.modules[""].generation_config
    config.suppress_tokens = [free]
    config.temperature, config.do_sample, config.repetition_penalty = 0.01, True, 5.0
    assert live.generate(IDS, temperature=0, max_new=1)["samples"][0]["ids"][0] != free
    assert live.next_scores(IDS)["logits"][free] == -np.inf
    assert config.temperature == 0.01, "and left as they were"
