"""Sample models: plain PyTorch, trained, one folder each; nothing here knows genviz.

Every sample is opened as any user's model is: by a callable that returns its parts.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """One sample model.

    Parameters
    ----------
    name : str
        Its folder here.
    title : str
        What people read.
    builder : str
        Which of its callables builds it.
    beside : tuple of Sample
        Others that it is compared with.
    """

    name: str
    title: str
    builder: str = "parts"
    beside: tuple[Sample, ...] = ()

    @property
    def source(self) -> str:
        """The callable that builds it, as ``package.module:callable``."""
        return f"sample_models.{self.name}:{self.builder}"


#: What the base model was fine-tuned for.
TUNED = (
    Sample("gpt_tuned", "GPT tuned to answer questions", "answering"),
    Sample("gpt_tuned", "GPT tuned to translate French", "translating"),
    Sample("gpt_tuned", "GPT tuned to sum up", "summing_up"),
)

#: In the course's order.
SAMPLES = (
    Sample("gpt", "GPT: a small world in sentences", beside=TUNED),
    Sample("masked", "Encoder: fills in masked words"),
    Sample("translator", "Translator: French to English"),
    Sample("digits_autoencoder", "Autoencoder: handwritten digits"),
    Sample("digits_vae", "VAE: handwritten digits"),
    Sample("faces_vae", "VAE: drawn faces"),
    Sample("faces_gan", "GAN: drawn faces"),
    Sample("housing_perceptron", "Perceptron: house prices"),
)
