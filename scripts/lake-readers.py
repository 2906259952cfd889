#!/usr/bin/env python3
"""Reads a lake with PyIceberg, DuckDB and, where it is installed, Spark, and compares counts and sums of every table.

Usage: lake-readers.py LAKE    (pip install 'pyiceberg[sql-sqlite,pyarrow]' duckdb; for Spark also pyspark, a Java 17 and the
Iceberg runtime's jar in ICEBERG_JAR)
DuckDB reads the files that the catalog's current snapshot names; with its iceberg extension it reads the metadata itself.
"""
import os
import pathlib
import sys

import duckdb
import pyarrow.compute as pc
import pyiceberg
from pyiceberg.catalog.sql import SqlCatalog

lake = pathlib.Path(sys.argv[1]).resolve()
catalog = SqlCatalog("aula", uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}/warehouse")
NUMBERS = ("int", "long")


def numbers(table):
    return [field.name for field in table.schema().fields if str(field.field_type) in NUMBERS]


def by_pyiceberg(table):
    rows = table.scan().to_arrow()
    return [rows.num_rows] + [pc.sum(rows.column(name)).as_py() for name in numbers(table)]


def by_duckdb(table, source):
    sums = "".join(f', sum("{name}")' for name in numbers(table))
    return [None if cell is None else int(cell) for cell in duckdb.sql(f"select count(*){sums} from {source}").fetchall()[0]]


def extension():
    try:
        duckdb.sql("install iceberg; load iceberg")
        return True
    except duckdb.Error:
        return False


def spark():
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        return None
    jar = os.environ.get("ICEBERG_JAR")
    if not jar:
        return None
    # The driver listens on loopback alone.
    local = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false", "spark.jars": jar}
    builder = SparkSession.builder.master("local[1]")
    for name, value in local.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


has_extension, session = extension(), spark()
print(f"pyiceberg {pyiceberg.__version__}, duckdb {duckdb.__version__}"
      + (" with its iceberg extension" if has_extension else " over the snapshot's files")
      + (f", spark {session.version}" if session else ""))
for name in sorted(catalog.list_tables("aula")):
    table = catalog.load_table(name)
    assert str(table.spec().fields[0].transform) == "day", table.spec()
    expected = by_pyiceberg(table)
    files = [task.file.file_path.removeprefix("file://") for task in table.scan().plan_files()]
    if has_extension:
        assert by_duckdb(table, f"iceberg_scan('{table.metadata_location}')") == expected, name
    elif files:
        assert by_duckdb(table, f"read_parquet({files!r}, union_by_name=true)") == expected, name
    if session and files:
        frame = session.read.format("iceberg").load(table.metadata_location)
        found = frame.selectExpr("count(*)", *[f"sum(`{column}`)" for column in numbers(table)]).first()
        assert list(found) == expected, name
    print(f"{name[-1]}: {expected[0]} rows in {len(files)} files, {len(expected) - 1} sums, the same")
