"""Pages in the order of the course; ``PAGES`` lists them."""

from dashboards.pages.adversarial_game import ADVERSARIAL_GAME
from dashboards.pages.attention import ATTENTION
from dashboards.pages.base import Click, Page, Panel
from dashboards.pages.beam_search import BEAM_SEARCH
from dashboards.pages.compare import COMPARE
from dashboards.pages.encoder_decoder import ENCODER_DECODER
from dashboards.pages.fine_tuning import FINE_TUNING
from dashboards.pages.forecast import FORECAST
from dashboards.pages.gpt_dials import GPT_DIALS
from dashboards.pages.inside_the_layers import INSIDE_THE_LAYERS
from dashboards.pages.latent_space import LATENT_SPACE
from dashboards.pages.masked_words import MASKED_WORDS
from dashboards.pages.overview import OVERVIEW
from dashboards.pages.perceptron import PERCEPTRON
from dashboards.pages.playground import PLAYGROUND
from dashboards.pages.slides import SLIDES
from dashboards.pages.tokens_and_positions import TOKENS_AND_POSITIONS
from dashboards.pages.training import TRAINING
from dashboards.pages.two_senses import TWO_SENSES

#: Every page, in the order of the left column.
PAGES: tuple[Page, ...] = (
    OVERVIEW,
    TOKENS_AND_POSITIONS,
    ATTENTION,
    TWO_SENSES,
    INSIDE_THE_LAYERS,
    ENCODER_DECODER,
    PLAYGROUND,
    BEAM_SEARCH,
    GPT_DIALS,
    TRAINING,
    MASKED_WORDS,
    FINE_TUNING,
    COMPARE,
    FORECAST,
    LATENT_SPACE,
    ADVERSARIAL_GAME,
    PERCEPTRON,
    SLIDES,
)

__all__ = ["PAGES", "Click", "Page", "Panel"]
