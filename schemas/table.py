"""The shape of a contract: a table's columns, grain and partitions, independent of any engine.

Arrow schemas, Spark schemas and the data dictionary derive from it (`schemas.arrow`, `schemas.spark`, `schemas.dictionary`).
"""

from dataclasses import dataclass
from typing import Literal

Type = Literal["string", "date", "timestamp", "double", "long", "boolean"]


@dataclass(frozen=True)
class Column:
    """One column. `timestamp` is an instant in UTC with microseconds; `date` is a UTC day."""

    name: str
    type: Type
    doc: str
    nullable: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A contract. `grain` is unique; `partition_by` is a prefix of the columns that readers filter by; `version` grows on any
    change that a reader could notice."""

    name: str
    version: int
    doc: str
    grain: tuple[str, ...]
    partition_by: tuple[str, ...]
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        names = self.column_names
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: a column is declared twice")
        unknown = [name for name in (*self.grain, *self.partition_by) if name not in names]
        if unknown:
            raise ValueError(f"{self.name}: grain or partition names no column: {unknown}")
        nullable = [name for name in self.grain if self.column(name).nullable]
        if nullable:
            raise ValueError(f"{self.name}: a grain cannot be null: {nullable}")

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in their order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name. Raises `StopIteration` if there is none."""
        return next(column for column in self.columns if column.name == name)


class ContractError(ValueError):
    """Rows that do not fit the contract of their table. The message names every difference."""
