"""The story-telling transformer, fine-tuned for three tasks: it answers, translates and sums up."""

from .model import answering as answering
from .model import summing_up as summing_up
from .model import translating as translating
