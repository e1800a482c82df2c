"""The style sheet: every colour, font and size as CSS variables, taken from the figures' theme."""

from genviz.figures import theme as look
from genviz.figures.colours import mix
from genviz.figures.typeface import FACES, FAMILY, RANGES


def stylesheet() -> str:
    """Fonts and tokens of both themes; the rest of the style is in ``assets/``."""
    faces = "".join(
        f'@font-face{{font-family:"{FAMILY}";font-style:normal;font-display:swap;'
        f"font-weight:{'100 500' if face.weight == 400 else '501 900'};"
        f'src:url("/fonts/{face.path.name}") format("woff2");unicode-range:{RANGES[face.subset]}}}\n'
        for face in FACES
    )
    dark = _tokens("dark")
    return (
        f"{faces}:root{{--font:{look.FONT};--mono:{look.MONO};--size:{look.SIZE}px;{_tokens('light')}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n"
        f":root[data-theme=dark]{{{dark}}}\n"
    )


def _tokens(theme: str) -> str:
    """Colours of one theme; those in between are mixed so that both themes have the same steps."""
    has = look.palette(theme)
    values = {
        "page": has.page,
        "panel": has.panel,
        "text": has.text,
        "muted": has.muted,
        "line": has.line,
        "accent": has.accent,
        "on-accent": has.page,
        "hover": mix(has.panel, has.text, 0.06),
        "tint": mix(has.page, has.accent, 0.12 if theme == "light" else 0.2),
        "edge": mix(has.line, has.text, 0.28),
        "real": look.role("real", theme),
        "fake": look.role("fake", theme),
    }
    return f"color-scheme:{theme};" + "".join(f"--{name}:{value};" for name, value in values.items())
