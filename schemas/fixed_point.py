"""The unit of everything that is added across rows: multiples of 2^-36, held as 64-bit integers.

Sums of integers do not depend on order, block or engine. 2^-36 keeps a score within 1e-8 of real arithmetic, and leaves room
for 1.3e8 accounts' worth of attention.
"""

SCALE = float(1 << 36)
UNIT = 1.0 / SCALE
