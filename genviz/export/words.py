"""The words of a slide: its title, its caption, and speaker notes that say where the figure comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genviz.export.base import Slide
from genviz.export.clean import clean_text, clean_words

LONGEST_TITLE, LONGEST_CAPTION = 140, 420  # characters that fit on a slide


@dataclass(frozen=True)
class Words:
    """Plain, clean text."""

    title: str
    caption: str
    notes: str

    @property
    def spoken(self) -> bool:
        """Whether there is anything to show beside the picture."""
        return bool(self.title or self.caption)


def words(slide: Slide) -> Words:
    """What to show and say: the slide's own words, else those that the figure brings along."""
    about = provenance(slide)
    figure_title = slide.figure.layout.title.text or ""
    return Words(
        title=clean_words(slide.title)
        or clean_words(figure_title)
        or clean_words(str(about.get("title", ""))),
        caption=clean_words(slide.caption) or clean_words(str(about.get("caption", ""))),
        notes="\n\n".join(filter(None, (clean_text(slide.notes).strip(), "\n".join(_sources(about))))),
    )


def provenance(slide: Slide) -> dict[str, Any]:
    """What a view wrote into ``figure.layout.meta["genviz"]``; empty for other figures."""
    meta = slide.figure.layout.meta
    about = meta.get("genviz") if isinstance(meta, Mapping) else None
    return dict(about) if isinstance(about, Mapping) else {}


def alternative(slide: Slide) -> str:
    """The picture in words, for those who cannot see it."""
    said = words(slide)
    kinds = ", ".join(dict.fromkeys(str(trace.type) for trace in slide.figure.data)) or "empty figure"
    return ". ".join(filter(None, (said.title.rstrip("."), said.caption.rstrip("."), f"Chart: {kinds}")))


def shortened(text: str, longest: int) -> str:
    """The text cut at a word, with an ellipsis, where a page has no room for more."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    return head[: max(head.rfind(" "), longest // 2)].rstrip() + "…"


def untitled(figure: dict[str, Any], said: Words) -> dict[str, Any]:
    """The figure (plain JSON) without its own title, when that already stands above the picture."""
    layout = dict(figure["layout"])
    title = layout.get("title")
    text = title.get("text", "") if isinstance(title, dict) else str(title or "")
    if not text or clean_words(text) != said.title:
        return figure
    layout.pop("title")
    margin = layout.get("margin", {})
    return figure | {"layout": layout | {"margin": margin | {"t": min(margin.get("t", 24), 24)}}}


def _sources(about: dict[str, Any]) -> list[str]:
    """Lines of ``name: value`` for the speaker notes."""
    lines = [(name, about.get(name)) for name in ("view", "subject", "controls")]
    lines += sorted(_mapping(about.get("provenance")).items())
    lines += [("genviz", about.get("version"))]
    return [f"{name}: {clean_text(_said(value))}" for name, value in lines if value not in (None, "", {}, [])]


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_said(inner)}" for name, inner in value.items())
    return ", ".join(map(_said, value)) if isinstance(value, list | tuple) else str(value)


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
