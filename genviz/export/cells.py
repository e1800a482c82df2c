"""Values as cells of a CSV file that a spreadsheet opens without running anything."""

import math
from datetime import date
from typing import Any

from genviz.export.clean import clean_text

# What spreadsheets take for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: Any) -> str:
    """A value as text: numbers exactly (they read back as the same double), missing ones empty, text defused.

    Examples
    --------
    >>> cell(0.1), cell(float("nan")), cell("=1+1"), cell("-1.5")
    ('0.1', '', "'=1+1", '-1.5')
    """
    plain = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, float):
        return "" if math.isnan(plain) else repr(plain)
    if isinstance(plain, int):
        return str(plain)
    if isinstance(plain, date):
        return plain.isoformat()
    return _text(str(plain))


def _text(text: str) -> str:
    safe = clean_text(text)
    return f"'{safe}" if safe.lstrip(" ").startswith(_FORMULA) and not _is_number(safe) else safe


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
