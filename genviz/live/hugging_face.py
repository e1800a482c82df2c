"""Language models from Hugging Face folders and hub names: safetensors only, and no code from the folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genviz.errors import LiveError, MissingExtra, UnsafeFile
from genviz.live.language import LanguageModel

# Which auto class an architecture's name asks for; the first ending that fits.
_BY_ENDING: tuple[tuple[str, str], ...] = (
    ("ForCausalLM", "AutoModelForCausalLM"),
    ("LMHeadModel", "AutoModelForCausalLM"),
    ("ForConditionalGeneration", "AutoModelForSeq2SeqLM"),
    ("MTModel", "AutoModelForSeq2SeqLM"),
    ("ForMaskedLM", "AutoModelForMaskedLM"),
)


def open_folder(path: Path) -> LanguageModel:
    """Open a folder written by ``save_pretrained``; nothing is fetched.

    Raises
    ------
    UnsafeFile
        When its weights are pickles, or its configuration names code to run.
    LiveError
        When it cannot be loaded; says why.
    """
    config = _config(path)
    _refuse_code(config, str(path))
    weights = sorted(path.glob("*.safetensors"))
    if not weights:
        raise _no_safe_weights(path)
    return _loaded(str(path), path.resolve().name, config, local=True)


def open_hub_name(name: str) -> LanguageModel:
    """Open a model of the Hugging Face hub, from the local cache or the network.

    Raises
    ------
    LiveError
        When there is no such model, or no network to ask.
    """
    transformers = _transformers(f"opening {name!r} from the Hugging Face hub")
    try:
        config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False).to_dict()
    except Exception as error:
        raise _unreachable(name, error) from None
    _refuse_code(config, name)
    return _loaded(name, name.rpartition("/")[2], config, local=False)


def _loaded(source: str, title: str, config: Mapping[str, Any], *, local: bool) -> LanguageModel:
    transformers = _transformers(f"opening {source!r}")
    options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": local}
    kind = getattr(transformers, _auto_class(config))
    try:
        model = kind.from_pretrained(source, use_safetensors=True, **options).eval()
    except Exception as error:
        raise _unloadable(source, error, local) from None
    tokenizer = _tokenizer(transformers, source, options)
    about = f"{type(model).__name__} from {source}"
    text = ("The cat sits on mat.",) if tokenizer is not None else ()
    target = tokenizer if getattr(model.config, "is_encoder_decoder", False) else None
    return LanguageModel(model, tokenizer, text=text, target_tokenizer=target, title=title, about=about)


def _tokenizer(transformers: Any, source: str, options: Mapping[str, Any]) -> Any:
    """The tokenizer kept beside a model, or None: texts are ids then."""
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **options)
    except Exception:  # each class has its own way to miss its files
        return None
    # Some classes are made without their files all the same, and know no word.
    return tokenizer if len(tokenizer.get_vocab()) > len(tokenizer.all_special_ids) else None


def _auto_class(config: Mapping[str, Any]) -> str:
    name = (config.get("architectures") or [""])[0]
    for ending, kind in _BY_ENDING:
        if name.endswith(ending):
            return kind
    return "AutoModel"


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LiveError(f"{path / 'config.json'} cannot be read ({error}): save the model again") from None
    if not isinstance(config, dict) or "model_type" not in config:
        raise LiveError(
            f"{path / 'config.json'} names no model_type, so it is not the configuration of a transformers "
            "model; "
            "for a model of your own give package.module:callable"
        )
    return config


def _refuse_code(config: Mapping[str, Any], source: str) -> None:
    """Refuse attention implementations that are fetched and run; ``auto_map`` is not followed in any case."""
    for key in ("_attn_implementation_internal", "_attn_implementation", "attn_implementation"):
        value = config.get(key)
        if isinstance(value, str) and ("/" in value or ":" in value):
            raise UnsafeFile(
                f"{source}: its configuration asks for attention code from {value!r}, which would be "
                "downloaded "
                f"and run: remove {key!r} from config.json"
            )


def _no_safe_weights(path: Path) -> Exception:
    pickles = [
        file.name for file in sorted(path.iterdir()) if file.suffix in (".bin", ".pt", ".pth", ".ckpt")
    ]
    if pickles:
        return UnsafeFile(
            f"{path} keeps its weights in {pickles[0]}, a pickle, which can run code when it is opened. If "
            "you "
            "trust it, load it once yourself and save it again: model.save_pretrained(folder) writes "
            "safetensors"
        )
    return LiveError(f"{path} has a config.json but no weights: no file ends in .safetensors")


def _unloadable(source: str, error: Exception, local: bool) -> Exception:
    text = " ".join(str(error).split())
    if "safetensors" in text and ("pytorch_model.bin" in text or "does not appear to have" in text):
        return UnsafeFile(
            f"{source} has no safetensors weights, only a pickle, which can run code when it is opened. If "
            "you "
            "trust it, load it once yourself and save it again: model.save_pretrained(folder) writes "
            "safetensors"
        )
    if "trust_remote_code" in text:
        return UnsafeFile(
            f"{source} needs code of its own to run, which genviz does not run: load it yourself, and give a "
            "package.module:callable that returns it"
        )
    return (
        LiveError(f"cannot load {source}: {type(error).__name__}: {text[:300]}")
        if local
        else _unreachable(source, error)
    )


def _unreachable(name: str, error: Exception) -> LiveError:
    text = " ".join(str(error).split())
    return LiveError(
        f"cannot open {name!r}: there is no folder of that name here, and the Hugging Face hub did not "
        "give it "
        f"({type(error).__name__}: {text[:160]}). Without a network, give a folder written by "
        "save_pretrained(); "
        "for a model of your own give package.module:callable"
    )


def _transformers(purpose: str) -> Any:
    try:
        import transformers
    except ImportError:
        raise MissingExtra.named("hf", purpose) from None
    return transformers
