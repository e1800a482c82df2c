"""A small world in words: a grammar that tells and checks stories, and French and English pairs.

Everything drawn here follows from a seed. The world is that of the course's sentences: cats on mats, robbers,
the two kinds of bank, a river, a tree.
"""

from .grammar import Grammar as Grammar
from .pairs import Pair as Pair
from .pairs import draw_pairs as draw_pairs
from .tokenizer import WordTokenizer as WordTokenizer
from .tokenizer import spell as spell
from .tokenizer import split as split
from .world import COURSE as COURSE
from .world import draw_stories as draw_stories
from .world import sentences as sentences
from .world import world as world
