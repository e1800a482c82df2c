"""Beam search on live models: sentences and scores of ``generate()``, and what it says of bad input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genviz.analysis.beam_search import Search
from genviz.analysis.beams import GREEDY, Rules, Tree
from genviz.errors import ControlError, LiveError
from genviz.live import InlineEngine, LanguageModel, open_source
from genviz.live import continuing as continuing_module
from genviz.live.continuing import Continuing
from tests.live.small_models import IDS, Identity, live_of, model_of

KINDS = ("gpt2", "llama", "t5")
END = 7


def generated(model: Any, ids: list[int], **more: Any) -> Any:
    """What ``generate()`` finds, all sentences that it keeps."""
    with torch.no_grad():
        return model.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False,
            return_dict_in_generate=True, output_scores=True, pad_token_id=0, **more,
        )  # fmt: skip


def ending(kind: str, end: int | list[int] | None = END) -> LanguageModel:
    """A small model that ends a sentence now and then."""
    live = live_of(kind)
    model: Any = live.modules[""]
    model.generation_config.eos_token_id = end
    head = model.get_output_embeddings().weight.data
    head *= 6  # so that some words are much likelier than others
    return live


def searched(live: LanguageModel, **more: Any) -> tuple[Tree, dict[str, Any]]:
    told = live.beam_search(IDS, **more)
    return Tree.from_json(told), told


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("penalty", "early", "beams"),
    [
        (0.0, False, 2),
        (1.0, False, 4),
        (2.0, True, 4),
        (1.0, "never", 3),
        (-1.0, "never", 2),
        (-1.0, True, 3),
    ],
)
def test_sentences_and_scores_are_those_of_generate(
    kind: str, penalty: float, early: bool | str, beams: int
) -> None:
    live = ending(kind)
    tree, _ = searched(live, beams=beams, max_new=7, length_penalty=penalty, early_stopping=early)
    found = generated(
        live.modules[""], IDS, num_beams=beams, num_return_sequences=beams, max_new_tokens=7,
        length_penalty=penalty, early_stopping=early,
    )  # fmt: skip
    begin = 1 if live.two_sided else len(IDS)
    kept = [each for each in tree.finished if each.kept]
    theirs = [row for row, score in enumerate(found.sequences_scores.tolist()) if score > -1e8]
    assert len(kept) == len(theirs) > 0
    for each, row in zip(kept, theirs, strict=True):
        said = tree.spelt(each.node)
        assert found.sequences[row, begin : begin + each.length].tolist() == said
        assert each.score == pytest.approx(found.sequences_scores[row].item(), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_several_ends_widen_what_is_considered_as_generate_does(kind: str) -> None:
    live = ending(kind, [END, 11, 30])
    tree, _ = searched(live, beams=3, max_new=6)
    assert tree.rules.considered == 12
    found = generated(live.modules[""], IDS, num_beams=3, num_return_sequences=3, max_new_tokens=6)
    begin = 1 if live.two_sided else len(IDS)
    for each, row in zip(tree.finished, found.sequences.tolist(), strict=False):
        assert row[begin : begin + each.length] == tree.spelt(each.node)


@pytest.mark.parametrize("kind", KINDS)
def test_greedys_path_is_that_of_generate(kind: str) -> None:
    live = ending(kind)
    tree, told = searched(live, beams=4, max_new=8)
    found = generated(live.modules[""], IDS, max_new_tokens=8, num_beams=1).sequences[0].tolist()
    assert tree.spelt(tree.greedy[-1]) == found[1 if live.two_sided else len(IDS) :]
    assert told["names"][tree.greedy[0]] == f"w{tree.ids[tree.greedy[0]]}"
    outside = [node for node in tree.greedy if tree.fates[node] == GREEDY]
    assert all(tree.ranks[node] == -1 for node in outside)


@pytest.mark.parametrize("kind", ["gpt", "gpt2", "llama", "t5", "translator", "positions first", "gpt_neox"])
def test_every_number_is_the_models_own(kind: str) -> None:
    """With or without a cache: each joint log-probability against one plain run over the whole sentence."""
    live = live_of(kind)
    tree, _ = searched(live, beams=3, max_new=4)
    start = live._start() if live.two_sided else []
    with live.running():
        for node in range(1, len(tree)):
            said = tree.spelt(node)
            given = (IDS, [*start, *said[:-1]]) if live.two_sided else ([*IDS, *said[:-1]], None)
            scores = live.one_sample(live._run(*given))
            assert scores is not None
            last = scores[-len(said) :].double().log_softmax(-1)
            chances = last[torch.arange(len(said)), torch.tensor(said)]
            assert tree.chances[node] == pytest.approx(float(chances[-1]), abs=2e-5)
            assert tree.totals[node] == pytest.approx(float(chances.sum()), abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_cache_is_used_where_there_is_one(kind: str) -> None:
    live, lengths = live_of(kind), list[int]()
    side = "decoder" if kind == "t5" else ""
    part = live.modules[""].get_submodule(side) if side else live.modules[""]
    with part.register_forward_pre_hook(
        lambda _, __, given: lengths.append(given["input_ids"].shape[1]), with_kwargs=True
    ):
        searched(live, beams=3, max_new=6)
    assert lengths.count(1) >= 9, "each further step runs the newest token alone"
    whole = [length for length in lengths if length > 1]
    assert len(whole) <= 3, "beside the prompts only the run that tries the cache out"


def test_a_cache_that_tells_something_else_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    live = live_of("gpt2")
    honest = searched(live, beams=2, max_new=4)[0]
    monkeypatch.setattr(continuing_module, "_TRUSTED", {})
    run = Continuing._run

    def lies(self: Continuing, *given: Any) -> Any:
        output = run(self, *given)
        output.logits += 5.0 * torch.randn(output.logits.shape[-1]) * (len(given) > 1)
        return output

    monkeypatch.setattr(Continuing, "_run", lies)
    found = searched(live, beams=2, max_new=4)[0]
    assert np.allclose(found.totals, honest.totals, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_folder_is_searched_as_the_model_in_memory(kind: str, tmp_path: Path) -> None:
    live = ending(kind)
    live.modules[""].save_pretrained(tmp_path)  # type: ignore[operator]
    told = open_source(str(tmp_path)).beam_search(IDS, beams=3, max_new=5)
    tree, _ = searched(live, beams=3, max_new=5)
    assert np.array_equal(told["ids"], tree.ids)
    assert np.allclose(told["totals"], tree.totals, atol=1e-5)


def test_an_engine_gives_the_same(tmp_path: Any) -> None:
    live = live_of("gpt")
    with InlineEngine(live) as engine:
        told = engine.call("beam_search", prompt=IDS, beams=2, max_new=3)
    assert np.array_equal(Tree.from_json(told).totals, searched(live, beams=2, max_new=3)[0].totals)
    assert "beam_search" in live.abilities
    assert "beam_search" not in live_of("bert").abilities, "a model that sees what comes cannot write on"


def test_a_stop_across_tokens_ends_a_sentence() -> None:
    live = live_of("gpt")
    free, told = searched(live, beams=3, max_new=6)
    said = free.spelt(free.finished[0].node)
    stop = f"w{said[1]} w{said[2]}"
    tree, told = searched(live, beams=3, max_new=6, stop=stop)
    ended = [told["sentences"][str(each.node)] for each in tree.finished if each.length < 6]
    assert any(text.endswith(stop) for text in ended)
    for node in range(1, len(tree)):
        if tree.fates[node] == "kept":
            assert stop not in " ".join(told["names"][each] for each in tree.path(node))


def test_what_does_not_fit_into_the_context_is_cut_or_refused() -> None:
    live = live_of("gpt")  # a context of 16
    tree, told = searched(live, beams=2, max_new=30)
    assert (told["room"], tree.rules.max_new, tree.depth) == (11, 11, 11)
    with pytest.raises(ControlError, match="has 18 tokens, and this model reads 16: shorten it by 2"):
        live.beam_search(list(range(18)))


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"prompt": ""}, LiveError, "no tokens in '': give some text"),
        ({"stop": ["."], "beams": 0}, ControlError, "beams=0 does not fit"),
        ({"stop": ["a", ""]}, LiveError, "an empty stop sequence would end every sentence at once"),
        ({"early_stopping": "soon"}, ControlError, "early_stopping='soon' does not fit"),
    ],
)
def test_bad_input_is_said(asked: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        live_of("gpt").beam_search(**{"prompt": "5 9", **asked})


def test_scores_that_are_no_numbers_are_said() -> None:
    live = live_of("gpt")
    next(iter(live.modules[""].parameters())).data.fill_(float("nan"))
    with pytest.raises(LiveError, match="the search cannot go on: NaN among the log-probabilities of step 1"):
        live.beam_search(IDS)


def test_no_text_at_all() -> None:
    with pytest.raises(LiveError, match="no text to continue: give a prompt, or pass text="):
        LanguageModel(model_of("gpt"), Identity()).beam_search()


def test_a_search_can_be_driven_by_hand_over_a_model() -> None:
    """The pure part alone gives what the ability gives."""
    live = live_of("llama")
    search = Search(Rules(beams=2, max_new=3, ends=live.end_ids()))
    with live.running():
        while search.running:
            rows = [live.one_sample(live._run([*IDS, *said], None)) for said in search.spelt()]
            scores = [row[-1].double().log_softmax(-1).numpy() for row in rows if row is not None]
            search.step(np.stack(scores))
    again, _ = searched(live, beams=2, max_new=3)
    assert [f.score for f in search.tree().finished] == pytest.approx(
        [f.score for f in again.finished], abs=1e-5
    )
