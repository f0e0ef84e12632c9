"""The unit of all values that are added across rows: multiples of 2^-36, as 64-bit integers.

Sums of integers do not depend on the order of rows, on blocks or on the engine. The unit keeps scores within 1e-8 of real
arithmetic, and the integers can hold up to 1.3e8 accounts' worth of attention.
"""

SCALE = float(1 << 36)
UNIT = 1.0 / SCALE
