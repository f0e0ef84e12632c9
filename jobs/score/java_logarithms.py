"""The JVM's logarithms, to the last bit: what Spark's `log2` and `log1p` return, without a JVM.

Java specifies `StrictMath.log` and `StrictMath.log1p` as the algorithms of fdlibm (https://www.netlib.org/fdlibm/). Those of
NumPy and of DuckDB differ from them in the last bit. Both algorithms reduce the argument to 2^k * (1 + f), with 1 + f from
about sqrt(1/2) to sqrt(2), and evaluate a polynomial in s = f / (2 + f).
"""

import numpy as np
from numba import njit

Doubles = np.ndarray

# ln 2, as a sum whose first part has 21 zero bits at its end, so that its multiples by an exponent are exact.
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10

# (log(1 + f) - f) / s, less its first terms, as a polynomial in s^2.
L1, L2, L3, L4, L5, L6, L7 = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
)  # fmt: skip

LOG_2 = 6.931471805599453e-01  # StrictMath.log(2)

EXPONENT, FRACTION = (
    20,
    0xFFFFF,
)  # of the upper 32 bits of a double: the place of its exponent, and the bits of its fraction


@njit(cache=True)
def log2(values: Doubles) -> Doubles:
    """`StrictMath.log(x) / StrictMath.log(2)` of each value, as Spark's `log2`. Values are positive, normal and finite."""
    logs = np.empty(len(values))
    reduced = np.empty(1)
    bits = reduced.view(np.int64)
    for place in range(len(values)):
        reduced[0] = values[place]
        upper = bits[0] >> 32
        fraction = upper & FRACTION
        halved = (fraction + 0x95F64) & (FRACTION + 1)  # from about sqrt(2) on
        bits[0] = (bits[0] & 0xFFFFFFFF) | ((fraction | (halved ^ 0x3FF00000)) << 32)
        k = np.float64((upper >> EXPONENT) - 1023 + (halved >> EXPONENT))
        f = reduced[0] - 1.0
        logs[place] = _log(f, k, fraction) / LOG_2
    return logs


@njit(cache=True)
def _log(f: float, k: float, fraction: int) -> float:
    if (FRACTION & (2 + fraction)) < 3:  # |f| < 2^-20
        if f == 0:
            return k * LN2_HIGH + k * LN2_LOW
        rest = f * f * (0.5 - 0.33333333333333333 * f)
        return k * LN2_HIGH - ((rest - k * LN2_LOW) - f)
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    rest = z * (L1 + w * (L3 + w * (L5 + w * L7))) + w * (L2 + w * (L4 + w * L6))
    if ((fraction - 0x6147A) | (0x6B851 - fraction)) > 0:
        half = 0.5 * f * f
        if k == 0:
            return f - (half - s * (half + rest))
        return k * LN2_HIGH - ((half - (s * (half + rest) + k * LN2_LOW)) - f)
    if k == 0:
        return f - s * (f - rest)
    return k * LN2_HIGH - ((s * (f - rest) - k * LN2_LOW) - f)


@njit(cache=True)
def log1p(values: Doubles) -> Doubles:
    """`StrictMath.log1p(x)` of each value, as Spark's `log1p`. Values are 0 or positive, normal and finite."""
    logs = np.empty(len(values))
    for place in range(len(values)):
        logs[place] = _log1p(values[place])
    return logs


@njit(cache=True)
def _log1p(x: float) -> float:
    if x < 2.0**-29:
        return x if x < 2.0**-54 else x - x * x * 0.5
    reduced = np.empty(1)
    bits = reduced.view(np.int64)
    reduced[0] = x
    f, k, lost, fraction = x, 0, 0.0, 1
    if bits[0] >> 32 >= 0x3FDA827A:  # from about sqrt(2) - 1 on
        upper = bits[0] >> 32
        if upper < 0x43400000:  # 2^53
            reduced[0] = 1.0 + x
            upper = bits[0] >> 32
            k = (upper >> EXPONENT) - 1023
            lost = (1.0 - (reduced[0] - x) if k > 0 else x - (reduced[0] - 1.0)) / reduced[0]
        else:
            k = (upper >> EXPONENT) - 1023
        fraction = upper & FRACTION
        low = bits[0] & 0xFFFFFFFF
        if fraction < 0x6A09E:
            bits[0] = low | ((fraction | 0x3FF00000) << 32)
        else:
            k += 1
            bits[0] = low | ((fraction | 0x3FE00000) << 32)
            fraction = (0x100000 - fraction) >> 2
        f = reduced[0] - 1.0
    half = 0.5 * f * f
    if fraction == 0:  # |f| < 2^-20
        if f == 0:
            return k * LN2_HIGH + (lost + k * LN2_LOW)
        rest = half * (1.0 - 0.66666666666666666 * f)
        if k == 0:
            return f - rest
        return k * LN2_HIGH - ((rest - (k * LN2_LOW + lost)) - f)
    s = f / (2.0 + f)
    z = s * s
    rest = z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * (L6 + z * L7))))))
    if k == 0:
        return f - (half - s * (half + rest))
    return k * LN2_HIGH - ((half - (s * (half + rest) + (k * LN2_LOW + lost))) - f)
