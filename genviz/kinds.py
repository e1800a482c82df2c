"""The closed tables of axes and kinds: what can be captured, and how its dimensions are called."""

from dataclasses import dataclass

#: Every axis name used in a recording, defined once.
AXES: dict[str, str] = {
    "call": "the n-th time a site ran in the run",
    "step": "training step",
    "sample": "item of the batch or of the data set",
    "layer": "depth in a stack of blocks",
    "head": "attention head (query heads under grouped-query attention)",
    "group": "key/value head shared by several query heads",
    "query": "position that attends",
    "key": "position attended to",
    "token": "position in the sequence",
    "channel": "component of a vector in the residual stream, of a head, or of a picture",
    "unit": "neuron of a layer",
    "expert": "one of the feed-forward networks that a layer chooses among",
    "input": "neuron or feature that feeds a layer",
    "latent": "dimension of the latent code",
    "vocab": "entry of the vocabulary",
    "rank": "place in a list sorted by value, best first",
    "row": "picture row, from the top",
    "column": "picture column, from the left",
    "time": "moment of a series, the earliest first",
}
#: Further axes, of arrays that are worked out and never recorded: for annotations (:mod:`genviz.shapes`).
MORE_AXES: dict[str, str] = {
    "every": "key among all that one query could look at, where one of them is spelt out",
    "feature": "component of a point that is laid out or searched",
    "dimension": "axis of a map",
    "value": "component of what is averaged",
    "place": "point that is asked about, among the samples",
    "point": "step along a way between two codes",
    "asked": "item that something was found for",
    "count": "found item, nearest first",
    "kept": "item of a choice",
    "next": "neuron of the layer after",
    "weight": "weight of one unit",
    "population": "group of scores that are counted together",
    "bin": "interval of a histogram",
    "edge": "end of a bin: one more than bins",
    "queries": "block of queries pooled to one cell",
    "keys": "block of keys pooled to one cell",
    "cell": "a query with a key that it may look at, in no order",
    "heads_or_1": "head, or one for all heads",
    "queries_or_1": "query, or one for all queries",
    "common": "token that two texts share, in their order",
    "distance": "how many tokens a key stands before a query",
    "pair": "two channels that are rotated together",
    "lag": "how many moments before",
    "ahead": "step of a forecast",
    "hypothesis": "beginning of an answer that a search looked at",
    "running": "hypothesis that goes on",
    "candidate": "continuation that a search could take next",
}


@dataclass(frozen=True)
class Kind:
    """One kind of captured array.

    Parameters
    ----------
    name : str
        How it is asked for: ``recording[site, name]``.
    axes : tuple of str
        Its usual axes, outermost first. An array of another rank carries its own axes.
    meaning : str
        One line for people.
    """

    name: str
    axes: tuple[str, ...]
    meaning: str


def _table(*kinds: Kind) -> dict[str, Kind]:
    return {kind.name: kind for kind in kinds}


KINDS: dict[str, Kind] = _table(
    # transformers
    Kind("ids", ("sample", "token"), "token ids that went in"),
    Kind("embedding", ("sample", "token", "channel"), "token vectors before positions are added"),
    Kind("position", ("sample", "token", "channel"), "position vectors that are added"),
    Kind("hidden", ("sample", "token", "channel"), "residual stream after a block"),
    Kind("block_input", ("sample", "token", "channel"), "residual stream before the first block"),
    Kind("contribution", ("sample", "token", "channel"), "what a sub-layer adds before add & norm"),
    Kind("normalised", ("sample", "token", "channel"), "the residual stream as a normalisation hands it on"),
    Kind("neuron", ("sample", "token", "unit"), "feed-forward activations"),
    Kind("routing", ("sample", "token", "expert"), "share of each expert; 0 where the token does not go"),
    Kind("attention", ("sample", "head", "query", "key"), "attention weights as the model computed them"),
    Kind("query", ("sample", "head", "query", "channel"), "queries after position rotation"),
    Kind("key", ("sample", "group", "key", "channel"), "keys after position rotation"),
    Kind("value", ("sample", "group", "key", "channel"), "values"),
    Kind("attention_bias", ("sample", "head", "query", "key"), "what is added to the scores"),
    Kind("key_mask", ("sample", "key"), "True where a key may be attended to"),
    Kind("logits", ("sample", "token", "vocab"), "scores over the whole vocabulary"),
    Kind("top_logits", ("sample", "token", "rank"), "the largest logits"),
    Kind("top_ids", ("sample", "token", "rank"), "the vocabulary ids of the largest logits"),
    Kind(
        "logsumexp",
        ("sample", "token"),
        "log of the sum of exp of all logits: top_logits - logsumexp = log p",
    ),
    # autoencoders and GANs
    Kind("latent", ("sample", "latent"), "latent code"),
    Kind("mean", ("sample", "latent"), "mean of the posterior"),
    Kind("log_variance", ("sample", "latent"), "log variance of the posterior"),
    Kind("sample", ("sample", "channel", "row", "column"), "an item: what goes in, or what was generated"),
    Kind("reconstruction", ("sample", "channel", "row", "column"), "what the decoder made of a code"),
    Kind("score", ("sample",), "what the discriminator says, in its own units"),
    # perceptrons and training
    Kind("input", ("sample", "input"), "what a layer received"),
    Kind("weighted_sum", ("sample", "unit"), "w·x + b, before the activation function"),
    Kind("activation", ("sample", "unit"), "after the activation function"),
    Kind("weight", ("unit", "input"), "weights of a layer"),
    Kind("bias", ("unit",), "biases of a layer"),
    Kind("weight_gradient", ("unit", "input"), "gradient of the loss with respect to the weights"),
    Kind("bias_gradient", ("unit",), "gradient of the loss with respect to the biases"),
    Kind("gradient", ("sample", "unit"), "gradient of the loss with respect to a layer's output"),
    Kind("loss", (), "training loss"),
    Kind("target", ("sample",), "what the model should have said"),
    # series
    Kind("series", ("time",), "values of a time series"),
)
