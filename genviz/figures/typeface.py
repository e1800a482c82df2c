"""The one typeface, Inter (SIL Open Font Licence 1.1, ``fonts/LICENSE``), shipped for pages and exports.

Each file holds one weight of one range of characters, so that a file with one figure carries only what its
text needs.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FAMILY = "Inter"
FOLDER = Path(__file__).with_name("fonts")
WEIGHTS = (400, 600)

# Characters per file, as CSS unicode-range; the values are those the files were cut with.
RANGES = {
    "latin": "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+0304,U+0308,U+0329,"
    "U+2000-206F,U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD",
    "latin-ext": "U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+0304,U+0308,U+0329,"
    "U+1D00-1DBF,U+1E00-1E9F,U+1EF2-1EFF,U+2020,U+20A0-20AB,U+20AD-20C0,U+2113,U+2C60-2C7F,U+A720-A7FF",
    "greek": "U+0370-0377,U+037A-037F,U+0384-038A,U+038C,U+038E-03A1,U+03A3-03FF",
}


@dataclass(frozen=True)
class Face:
    """One font file: a weight of a range of characters."""

    subset: str
    weight: int

    @property
    def path(self) -> Path:
        """Where the woff2 file is."""
        return FOLDER / f"inter-{self.subset}-{self.weight}-normal.woff2"

    def covers(self, text: str) -> bool:
        """Whether any character of the text is in this file."""
        return any(low <= ord(sign) <= high for sign in set(text) for low, high in _spans(self.subset))


FACES = tuple(Face(subset, weight) for subset in RANGES for weight in WEIGHTS)


@cache
def _spans(subset: str) -> tuple[tuple[int, int], ...]:
    ends = (part.removeprefix("U+").split("-") for part in RANGES[subset].split(","))
    return tuple((int(end[0], 16), int(end[-1], 16)) for end in ends)


@cache
def _embedded(face: Face) -> str:
    data = base64.b64encode(face.path.read_bytes()).decode("ascii")
    # Weights in between fall to the nearer file rather than to one that the browser makes up.
    weights = "100 500" if face.weight == 400 else "501 900"
    return (
        f'@font-face{{font-family:"{FAMILY}";font-style:normal;font-weight:{weights};'
        f'src:url(data:font/woff2;base64,{data}) format("woff2");unicode-range:{RANGES[face.subset]}}}'
    )


def css(faces: Iterable[Face] = FACES) -> str:
    """``@font-face`` rules with the font inside (data URIs), so that nothing is fetched."""
    return "\n".join(map(_embedded, faces))


def needed(markup: str) -> tuple[Face, ...]:
    """The faces that a piece of SVG or HTML uses, by its characters and whether it has bold text."""
    bold = re.search(r"font-weight\s*[:=]\s*[\"']?\s*(?:bold|[6-9]00)", markup) is not None
    return tuple(face for face in FACES if face.covers(markup) and (face.weight == 400 or bold))
