"""Turn what a user has (a module, a dict of parts, a live model) into a live model."""

import inspect
from typing import Any

from genviz.errors import LiveError


def is_live(thing: Any) -> bool:
    """Whether a thing already offers what an engine needs."""
    return hasattr(thing, "abilities") and callable(getattr(thing, "describe", None))


def wrap(thing: Any) -> Any:
    """Make a live model.

    Parameters
    ----------
    thing : live model, torch.nn.Module or dict
        A dict holds the arguments of :class:`LanguageModel`, :class:`Autoencoder`, :class:`GAN`,
        :class:`Perceptron` or :class:`Forecaster`, and perhaps ``"family"`` to say which. A module alone is
        recognised by its structure; it can be looked at, but has no data of its own.

    Raises
    ------
    LiveError
        When it cannot be told what the thing is; says what to pass.

    Examples
    --------
    >>> from torch import nn
    >>> wrap({"generator": nn.Linear(2, 4), "discriminator": nn.Linear(4, 1)}).abilities
    ('record', 'decode', 'score')
    """
    if is_live(thing):
        return thing
    if isinstance(thing, dict):
        return _from_dict(dict(thing))
    from torch import nn

    if isinstance(thing, nn.Module):
        return _from_dict({"model": thing})
    raise LiveError(
        f"cannot make a live model of a {type(thing).__name__}: give a torch.nn.Module, a live model, or "
        "a dict such as {'model': module, 'tokenizer': tokenizer}, {'model': module, 'data': images}, "
        "{'generator': G, 'discriminator': D} or {'model': module, 'data': rows, 'target': values}"
    )


def _from_dict(parts: dict[str, Any]) -> Any:
    from genviz.live import GAN, Autoencoder, Forecaster, LanguageModel, Perceptron

    classes: dict[str, Any] = {
        "transformer": LanguageModel, "autoencoder": Autoencoder, "gan": GAN, "perceptron": Perceptron,
        "series": Forecaster,
    }  # fmt: skip
    family = parts.pop("family", None) or _family_of(parts)
    if family not in classes:
        raise LiveError(f"no family {family!r}: the families are {', '.join(classes)}")
    kind = classes[family]
    parameters = inspect.signature(kind).parameters
    accepted = [name for name, each in parameters.items() if each.kind is not each.VAR_KEYWORD]
    unknown = [name for name in parts if name not in accepted and len(accepted) == len(parameters)]
    if unknown:
        raise LiveError(
            f"{kind.__name__} has no argument {', '.join(map(repr, unknown))}: it takes {', '.join(accepted)}"
        )
    return kind(**parts)


def _family_of(parts: dict[str, Any]) -> str:
    """Tell by the names of the parts, and by the model's structure when they say nothing."""
    if "generator" in parts or "discriminator" in parts:
        return "gan"
    if "series" in parts:
        return "series"
    if "tokenizer" in parts or "text" in parts:
        return "transformer"
    if "target" in parts or "feature_names" in parts:
        return "perceptron"
    if "encoder" in parts or "decoder" in parts:
        return "autoencoder"
    if "model" not in parts:
        raise LiveError(
            f"a live model needs a 'model': the dict has {', '.join(map(repr, parts)) or 'nothing'}"
        )
    return _family_of_module(parts["model"])


def _family_of_module(model: Any) -> str:
    from torch import nn

    from genviz.capture.families import chosen
    from genviz.capture.modules import Network

    if isinstance(model, nn.Module):
        # Recurrent language models have no attention to know them by, but they embed ids all the same.
        if any(isinstance(module, nn.Embedding) for module in model.modules()):
            return "transformer"
        found = chosen(Network.of(model)).name
        if found != "plain":
            return found
    children = model.named_children() if isinstance(model, nn.Module) else ()
    names = ", ".join(name for name, _ in children) or "no parts"
    raise LiveError(
        f"cannot tell what {type(model).__name__} is: it has {names}. Say family='transformer', "
        "'autoencoder', 'gan' or 'perceptron', or use genviz.LanguageModel, Autoencoder, GAN or Perceptron"
    )
