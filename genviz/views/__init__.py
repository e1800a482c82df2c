"""Views: one question answered by one figure each; ``VIEWS`` lists them in the course's order.

``genviz.views.NAME`` is the view itself, to be called on a recording. A package adds its own views
through the entry-point group ``genviz.views`` (name = the view's name, object = the view).
"""

from genviz.views.accounting import accounting
from genviz.views.answer_attention import answer_attention
from genviz.views.array import array
from genviz.views.attention_heads import attention_heads
from genviz.views.attention_lines import attention_lines
from genviz.views.attention_mask import attention_mask
from genviz.views.attention_matrix import attention_matrix
from genviz.views.attention_patches import attention_patches
from genviz.views.attention_profile import attention_profile
from genviz.views.attention_rollout import attention_rollout
from genviz.views.base import View
from genviz.views.beam_tree import beam_tree
from genviz.views.compare_attention import compare_attention
from genviz.views.compare_heads import compare_heads
from genviz.views.compare_predictions import compare_predictions
from genviz.views.compare_stream import compare_stream
from genviz.views.embedding_neighbours import embedding_neighbours
from genviz.views.experts import experts
from genviz.views.forecast import forecast
from genviz.views.gpt_dials import gpt_dials
from genviz.views.head_map import head_map
from genviz.views.input_attribution import input_attribution
from genviz.views.interpolation import interpolation
from genviz.views.latent_map import latent_map
from genviz.views.logit_attribution import logit_attribution
from genviz.views.logit_lens import logit_lens
from genviz.views.masked_words import masked_words
from genviz.views.model_sizes import model_sizes
from genviz.views.network import network
from genviz.views.neurons import neurons
from genviz.views.next_distribution import next_distribution
from genviz.views.parameters import parameters
from genviz.views.perceptron_network import perceptron_network
from genviz.views.position_similarity import position_similarity
from genviz.views.positions import positions
from genviz.views.query_key import query_key
from genviz.views.reconstructions import reconstructions
from genviz.views.registry import registered, view_named
from genviz.views.residual_norms import residual_norms
from genviz.views.residual_path import residual_path
from genviz.views.running_cost import running_cost
from genviz.views.samples_by_score import samples_by_score
from genviz.views.score_histograms import score_histograms
from genviz.views.sense_by_layer import sense_by_layer
from genviz.views.sense_heads import sense_heads
from genviz.views.sense_map import sense_map
from genviz.views.sites import sites
from genviz.views.subject import Subject, as_subject
from genviz.views.tokenizations import tokenizations
from genviz.views.training_heads import training_heads
from genviz.views.training_loss import training_loss
from genviz.views.training_map import training_map
from genviz.views.training_samples import training_samples
from genviz.views.translation_steps import translation_steps
from genviz.views.tuned_answers import tuned_answers
from genviz.views.value_weighted import value_weighted
from genviz.views.weight_changes import weight_changes
from genviz.views.weighted_sum import weighted_sum

#: Every view, in the order in which pages and `genviz views` show them.
VIEWS: tuple[View, ...] = (
    # Overview
    network,
    parameters,
    accounting,
    running_cost,
    model_sizes,
    sites,
    # Tokens & positions
    tokenizations,
    positions,
    position_similarity,
    embedding_neighbours,
    # Attention
    attention_matrix,
    value_weighted,
    attention_lines,
    attention_profile,
    attention_heads,
    query_key,
    head_map,
    attention_rollout,
    attention_mask,
    attention_patches,
    # Same word, two senses
    sense_by_layer,
    sense_map,
    sense_heads,
    # Inside the layers
    logit_lens,
    residual_norms,
    residual_path,
    neurons,
    experts,
    logit_attribution,
    input_attribution,
    # Encoder and decoder
    translation_steps,
    # Generate
    beam_tree,
    # Playground
    next_distribution,
    answer_attention,
    # Compare
    compare_stream,
    compare_predictions,
    compare_heads,
    compare_attention,
    # How large is a GPT
    gpt_dials,
    # Training
    training_loss,
    training_samples,
    training_map,
    training_heads,
    masked_words,
    tuned_answers,
    weight_changes,
    # Latent space
    latent_map,
    interpolation,
    reconstructions,
    # Adversarial game
    score_histograms,
    samples_by_score,
    # Perceptron
    perceptron_network,
    weighted_sum,
    # Forecast
    forecast,
    # Anything else that was captured
    array,
)

__all__ = [
    "VIEWS",
    "Subject",
    "View",
    "accounting",
    "answer_attention",
    "array",
    "as_subject",
    "attention_heads",
    "attention_lines",
    "attention_mask",
    "attention_matrix",
    "attention_patches",
    "attention_profile",
    "attention_rollout",
    "beam_tree",
    "compare_attention",
    "compare_heads",
    "compare_predictions",
    "compare_stream",
    "embedding_neighbours",
    "experts",
    "forecast",
    "gpt_dials",
    "head_map",
    "input_attribution",
    "interpolation",
    "latent_map",
    "logit_attribution",
    "logit_lens",
    "masked_words",
    "model_sizes",
    "network",
    "neurons",
    "next_distribution",
    "parameters",
    "perceptron_network",
    "position_similarity",
    "positions",
    "query_key",
    "reconstructions",
    "registered",
    "residual_norms",
    "residual_path",
    "running_cost",
    "samples_by_score",
    "score_histograms",
    "sense_by_layer",
    "sense_heads",
    "sense_map",
    "sites",
    "tokenizations",
    "training_heads",
    "training_loss",
    "training_map",
    "training_samples",
    "translation_steps",
    "tuned_answers",
    "value_weighted",
    "view_named",
    "weight_changes",
    "weighted_sum",
]
