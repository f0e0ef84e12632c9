"""As for Arrow, for frames."""

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as t

from schemas import spark as contract
from schemas.table import Column, ContractError, Table

TABLE = Table(
    name="t",
    version=1,
    doc="A table.",
    grain=("id",),
    partition_by=(),
    columns=(Column("id", "string", "Who."), Column("count", "long", "How many.", nullable=True)),
)


def test_schema() -> None:
    assert contract.schema(TABLE) == t.StructType(
        [
            t.StructField("id", t.StringType(), False, {"comment": "Who."}),
            t.StructField("count", t.LongType(), True, {"comment": "How many."}),
        ]
    )


def test_check(spark: SparkSession) -> None:
    fits = spark.createDataFrame([], contract.schema(TABLE))
    contract.check(TABLE, fits)
    with pytest.raises(ContractError) as error:
        contract.check(TABLE, fits.select(F.col("count").cast("int").alias("count"), F.lit(1.0).alias("more")))
    assert str(error.value) == (
        "t: id: expected string, found nothing; count: expected bigint, found int; more: not in the contract"
    )
    with pytest.raises(ContractError) as error:
        contract.check(TABLE, fits.select("count", "id"))
    assert str(error.value) == "t: columns out of order: expected ['id', 'count'], found ['count', 'id']"
