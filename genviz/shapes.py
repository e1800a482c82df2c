"""Shapes in annotations: ``Float[np.ndarray, "head query key"]`` names the axes of an array.

The names are the glossary's (:mod:`genviz.kinds`); a name alone in its string is written with a space before
it (``" sample"``), so that linters do not take it for a variable. The tests check them with jaxtyping; its
import takes as long as numpy's, so that for everybody who has not loaded it the words mean the bare array.
"""

import sys
from typing import TYPE_CHECKING

__all__ = ["Bool", "Float", "Float32", "Float64", "Int", "Int32", "Shaped", "UInt8"]

if TYPE_CHECKING:
    # What jaxtyping tells type checkers too; so they need not have it.
    from typing import Annotated as Bool
    from typing import Annotated as Float
    from typing import Annotated as Float32
    from typing import Annotated as Float64
    from typing import Annotated as Int
    from typing import Annotated as Int32
    from typing import Annotated as Shaped
    from typing import Annotated as UInt8
elif "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Float, Float32, Float64, Int, Int32, Shaped, UInt8
else:

    class _Bare:
        def __class_getitem__(cls, item: tuple[type, str]) -> type:
            return item[0]

    Bool = Float = Float32 = Float64 = Int = Int32 = Shaped = UInt8 = _Bare
