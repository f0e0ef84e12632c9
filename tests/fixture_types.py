"""Types of fixtures that are functions, for the signatures of whoever uses them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame

from schemas.table import Table

Records = Sequence[Mapping[str, Any]]
ArrowRows = Callable[[Table, Records], pa.Table]
SparkRows = Callable[[Table, Records], DataFrame]
FindFile = Callable[[str], Path]
