"""Compiled loops: the Jensen-Shannon divergences of all pairs of heads in some rows."""

import numpy as np

from attnmetrics.model.kernels.compiling import ANY_ORDER, IN_ORDER, loop

LN_2 = np.log(2)
ROOT_2 = np.sqrt(2)
MANTISSA, ONE = np.int64((1 << 52) - 1), np.int64(1023 << 52)
"""Bits of a float64, and those of 1."""


@loop(ANY_ORDER, keep=True)
def add_divergences(rows, reach, into):
    """Add the divergences of all pairs of heads to [pair], in the order (0, 1), (0, 2), …, (1, 2), ….

    rows [row, head, column]: α, of which the first `reach` [row] columns count. A divergence is ½ Σ p (ln p − ln m) +
    ½ Σ q (ln q − ln m), m = (p + q)/2, in float64; rounding makes none of them negative.
    """
    heads, columns = rows.shape[1:]
    weights, logs = np.empty((heads, columns)), np.empty((heads, columns))
    for r in range(len(rows)):
        n = reach[r]
        for k in range(heads):
            for j in range(n):
                weights[k, j] = rows[r, k, j]
                logs[k, j] = _log(weights[k, j])
        pair = 0
        for a in range(heads):
            for b in range(a + 1, heads):
                into[pair] += max(0.0, _divergence(weights[a, :n], weights[b, :n], logs[a, :n], logs[b, :n]))
                pair += 1


@loop(ANY_ORDER)
def _divergence(p, q, log_p, log_q):
    total = 0.0
    for j in range(len(p)):
        log_m = _log((p[j] + q[j]) / 2)
        total += p[j] * (log_p[j] - log_m) + q[j] * (log_q[j] - log_m)
    return total / 2


@loop(IN_ORDER)
def _log(x):
    """The natural logarithm of a normal x > 0 within 1 part in 10¹⁵, and a finite number for 0: then 0 · ln 0 = 0.

    With x = 2^e · m, m between √½ and √2, and s = (m − 1)/(m + 1): ln x = e ln 2 + 2 (s + s³/3 + s⁵/5 + …). No branch
    and no call, so that several are computed at once.
    """
    bits = np.float64(x).view(np.int64)
    twos = np.float64((bits >> 52) - 1023)
    m = np.int64((bits & MANTISSA) | ONE).view(np.float64)
    high = m > ROOT_2
    m = m / 2 if high else m
    twos = twos + 1 if high else twos
    s = (m - 1) / (m + 1)
    z = s * s
    series = 1 / 15 + z * (1 / 17 + z * (1 / 19 + z / 21))
    series = 1 / 3 + z * (1 / 5 + z * (1 / 7 + z * (1 / 9 + z * (1 / 11 + z * (1 / 13 + z * series)))))
    return twos * LN_2 + 2 * s + 2 * s * z * series
