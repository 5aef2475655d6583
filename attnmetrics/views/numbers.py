"""How numbers are written for people, in the terminal and in figures; `static/arithmetic/numbers.js` does alike."""

import numpy as np

ALL = 99.9995
"""Percent from which on a share is all."""


def percent(value: float) -> str:
    """A share in percent with as many digits as it deserves; what is not all is not 100%, but for rounding errors."""
    scaled = 100 * value
    if 99.05 <= abs(scaled) < ALL:
        return f"{np.sign(scaled) * min(abs(scaled), 99.9):.1f}%"
    if scaled != 0 and abs(scaled) < 0.095:
        return f"{scaled:.2g}%"
    return f"{scaled:.0f}%" if abs(scaled) >= 9.95 or scaled == 0 else f"{scaled:.1f}%"


def times(ratio: float) -> str:
    """How many times as large: "0×", "0.42×", "7.6×", "120×"."""
    digits = 0 if ratio >= 9.95 or ratio == 0 else 1 if ratio >= 0.995 else 2
    return f"{ratio:,.{digits}f}×"


def number(value: float) -> str:
    """A number with three significant digits, two where it is small; counts whole, with separators."""
    if np.isnan(value):
        return "–"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 999.5:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.1 else f"{value:.2g}"
