"""docs/architectures.md: its rows are model types of transformers, and its summary counts them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers")

from benchmarks.architectures.references import distance
from benchmarks.architectures.table import read, summary, written
from benchmarks.architectures.trial import TOLERANCE, trial

PAGE = Path(__file__).parent.parent / "docs" / "architectures.md"
OUTCOMES = {
    "exact",
    "differs",
    "outputs differ",
    "no reference",
    "no softmax attention",
    "not built",
    "failed",
}


def test_every_row_is_a_model_type_and_the_summary_counts_the_rows() -> None:
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    text = PAGE.read_text()
    rows = read(text)
    types = [name for name, _ in rows]
    assert types == sorted(set(types))
    assert len(types) > 500
    assert set(types) <= set(MODEL_MAPPING_NAMES)
    outcomes = [outcome for _, outcome in rows]
    assert set(outcomes) <= OUTCOMES
    assert summary(outcomes) in text


def test_no_path_of_a_machine_stands_in_it() -> None:
    assert "site-package" not in PAGE.read_text("utf-8")


def test_almost_all_that_attend_are_exact() -> None:
    count = Counter(outcome for _, outcome in read(PAGE.read_text()))
    attending = count.total() - count["not built"] - count["no softmax attention"]
    assert count["exact"] / attending >= 0.97


def test_a_page_is_read_as_it_was_written() -> None:
    found = {
        "outcome": "exact", "found": 2, "references": 2, "largest": 2e-7, "routes": ["sdpa"], "reason": "",
        "against": "output_attentions", "shown": {}, "missing": [],
    }  # fmt: skip
    lost = {
        **found,
        "model_type": "b|<i>",
        "outcome": "not built",
        "reason": "needs the <b> library. You can",
    }
    text = written([lost, {**found, "model_type": "a"}])
    assert read(text)[0] == ("a", "exact")
    assert "**1 of 1 exact (100.0%)**" in text
    assert "| `a` | exact | 2 / 2 | 2e-07 | sdpa |  |" in text
    assert "needs the ‹b› library |" in text


# What an experiment with the fused function alone missed, and other kinds than the test of Hugging Face's
# models runs: pictures, sound, several parts, hybrids, latent attention, windows, streams that are mixed.
FEW = (
    "minimax", "paligemma", "sam_vision_model", "sam_hq_vision_model", "t5gemma2", "deepseek_v3",
    "deepseek_v4", "qwen2_5_vl", "whisper", "wav2vec2", "clip", "swin", "groupvit", "pegasus_x", "jamba",
    "nemotron_h", "gemma4_text", "qwen3_next",
)  # fmt: skip


@pytest.mark.parametrize("model_type", FEW)
def test_a_few_are_exact_now(model_type: str) -> None:
    found = trial(model_type)
    assert (found.outcome, found.identical) == ("exact", True), found.reason
    assert found.found >= 1
    assert found.largest <= TOLERANCE


def test_distances_of_maps() -> None:
    one = np.random.default_rng(0).dirichlet(np.ones(4), (2, 3, 5)).astype(np.float32)
    assert distance(one, one.reshape(6, 5, 4)) == 0
    assert distance(one, np.concatenate([one, one[..., :1]], -1)) == 0  # a sink's column
    assert distance(one, one + 0.25) == pytest.approx(0.25, abs=1e-6)
    assert distance(one, one[:, :, :4]) == np.inf
    assert distance(one, np.full_like(one, np.nan)) == np.inf
    blind = one.copy()
    blind[0, 0, 0] = 0
    even = one.copy()
    even[0, 0, 0] = 0.25
    assert distance(blind, even) == 0
    assert distance(blind, one) > 0.1
