"""Something to run a model on, made from its configuration and the signature of its ``forward``."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn

Run = Callable[[Any], Any]
Given = dict[str, Any]

_LENGTH = 8


def runs(model: Any) -> Iterator[tuple[str, Given]]:
    """Ways to run a model, the fullest first: a name for each and its arguments."""
    asked = set(inspect.signature(model.forward).parameters)
    main = getattr(model, "main_input_name", "input_ids")
    main = main if isinstance(main, str) else main[0]
    text = _text(model, asked)
    media = dict(_media(model, asked))
    if media and text and "input_ids" in text:
        marked = _with_images(model, text, media)
        if marked is not None:
            yield "text and media", marked
        yield "text and media, unmarked", {**text, **media}
    if media and not (text and main == "input_ids"):
        yield "media", media
        if "decoder_input_ids" in asked:
            yield "media and answer", {**media, "decoder_input_ids": _ids(2, _LENGTH - 2)}
    if text:
        yield "text", text
        yield "text without mask", {"input_ids": text["input_ids"]}
    if media:
        yield "media alone", media
        one = {name: value[:1] for name, value in media.items()}
        yield "one of media", one
    for parameter in (main, "inputs_embeds", "hidden_states"):
        if parameter in asked:
            width = _find(model.config, "hidden_size", "d_model") or 32
            yield f"vectors as {parameter}", {parameter: torch.randn(2, _LENGTH, width)}


def _text(model: Any, asked: set[str]) -> Given:
    if "input_ids" not in asked:
        return {}
    torch.manual_seed(1)
    length = _find(model.config, "text_length") or _LENGTH
    ids = _ids(2, length, (_find(model.config, "vocab_size") or 100))
    mask = torch.ones_like(ids)
    mask[1, length - 2 :] = 0
    given = {"input_ids": ids, "attention_mask": mask}
    if "decoder_input_ids" in asked:
        given["decoder_input_ids"] = _ids(2, length - 2)
    if "bbox" in asked:
        given["bbox"] = torch.randint(0, 50, (2, length, 4)).sort(-1).values
    return {name: value for name, value in given.items() if name in asked or name == "input_ids"}


def _ids(samples: int, length: int, vocab: int = 100) -> torch.Tensor:
    return torch.randint(6, max(8, min(vocab, 90)), (samples, length))


def _media(model: Any, asked: set[str]) -> Iterator[tuple[str, Any]]:
    config = model.config
    torch.manual_seed(2)
    grid = next((name for name in ("grid_thw", "image_grid_thw") if name in asked), None)
    if grid is not None:  # pictures as rows of patches
        yield next(n for n in ("pixel_values", "hidden_states", "grid_thw") if n in asked), _patches(config)
        yield grid, torch.tensor([[1, 4, 4], [1, 4, 4]])
    elif "pixel_values" in asked:
        yield "pixel_values", _pictures(model)
    if "pixel_values_videos" in asked and "pixel_values" not in asked:
        yield "pixel_values_videos", _video(config)
    if "input_features" in asked:
        yield "input_features", _features(config)
    if "input_values" in asked:
        yield "input_values", _sound(config)
    if "audio_values" in asked:
        yield "audio_values", torch.randn(2, 1, 16, 32)


def _pictures(model: Any) -> torch.Tensor:
    config = model.config
    channels = _find(config, "num_channels", "in_channels", "in_chans") or 3
    size = _find(config, "image_size", "img_size", "crop_size", "input_size")
    height, width = _pair(size if size is not None else 64)
    frames = _find(config, "num_frames")
    if frames and "video" in str(getattr(config, "model_type", "")) + type(model).__name__.lower():
        return torch.randn(2, int(frames), channels, height, width)
    if getattr(config, "model_type", "") in ("timesformer", "vivit", "videomae", "vjepa2"):
        return torch.randn(2, int(frames or 8), channels, height, width)
    return torch.randn(2, channels, height, width)


def _patches(config: Any) -> torch.Tensor:
    side = _pair(_find(config, "patch_size") or 8)[0]
    channels = _find(config, "in_channels", "num_channels", "in_chans") or 3
    return torch.randn(32, channels * (_find(config, "temporal_patch_size") or 1) * side * side)


def _video(config: Any) -> torch.Tensor:
    height, width = _pair(_find(config, "image_size", "crop_size") or 64)
    return torch.randn(2, _find(config, "num_frames", "frames_per_clip") or 4, 3, height, width)


def _features(config: Any) -> torch.Tensor:
    mel = _find(config, "num_mel_bins", "feature_size", "num_mel_channels", "input_feat_per_channel",
                "feature_projection_input_dim", "input_channels", "n_mels", "input_dim") or 80  # fmt: skip
    frames = _find(config, "max_source_positions")
    if frames and hasattr(config, "num_mel_bins"):
        return torch.randn(2, mel, 2 * frames)
    return torch.randn(2, 64, mel)


def _sound(config: Any) -> torch.Tensor:
    mel = _find(config, "num_mel_bins")
    if mel and _find(config, "max_length"):
        return torch.randn(2, int(_find(config, "max_length") or 64), mel)
    return torch.randn(2, 4000)


def _with_images(model: Any, text: Given, media: Given) -> Given | None:
    """Text with as many marks as the model makes vectors of the pictures."""
    mark = _find(model.config, "image_token_id", "image_token_index")
    get = getattr(model, "get_image_features", None)
    if mark is None or get is None or "pixel_values" not in media:
        return None
    try:
        with torch.no_grad():
            made = get(**{k: v for k, v in media.items() if k in inspect.signature(get).parameters})
    except Exception:
        return None
    made = getattr(made, "pooler_output", made)
    parts = list(made) if isinstance(made, list | tuple) else [made]
    count = sum(part.shape[0] * part.shape[1] if part.ndim == 3 else part.shape[0] for part in parts)
    each, rest = divmod(count, 2)
    if rest or not 0 < each <= 2048:
        return None
    ids = torch.cat([torch.full((2, each), int(mark)), _ids(2, _LENGTH)], 1)
    given = {**text, **media, "input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if "mm_token_type_ids" in inspect.signature(model.forward).parameters:
        given["mm_token_type_ids"] = (ids == int(mark)).long()
    return given


def _pair(size: Any) -> tuple[int, int]:
    if isinstance(size, Mapping):
        return int(size.get("height", 64)), int(size.get("width", 64))
    if isinstance(size, list | tuple):
        return int(size[0]), int(size[-1])
    return int(size), int(size)


def _find(config: Any, *names: str) -> Any:
    """The first of these fields, in the configuration or in one of its parts."""
    parts = [config, *(_field(config, name) for name in getattr(config, "sub_configs", {}))]
    for part in parts:
        for name in names:
            value = _field(part, name)
            if value is not None and not isinstance(value, bool | nn.Module):
                return value
    return None


def _field(config: Any, name: str) -> Any:
    try:
        return getattr(config, name, None)
    except Exception:  # differs from layer to layer
        return None
