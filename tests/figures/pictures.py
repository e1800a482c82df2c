"""Reading back the pictures in figures."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def decoded(source: str) -> NDArray[np.uint8]:
    """Pixels of a PNG data URI, as red, green and blue."""
    data = base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True)
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
