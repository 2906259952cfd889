#!/usr/bin/env python3
"""Reads an export's Parquet files with PyArrow and DuckDB and compares both with the CSV beside them.

Usage: report-readers.py DIR    (pip install pyarrow duckdb)
"""
import csv
import pathlib
import sys

import duckdb
import pyarrow
import pyarrow.parquet as pq

folder = pathlib.Path(sys.argv[1])
print(f"pyarrow {pyarrow.__version__}, duckdb {duckdb.__version__}")
for path in sorted(folder.glob("*.parquet")):
    with open(path.with_suffix(".csv"), newline="", encoding="utf-8") as lines:
        head, *rows = csv.reader(lines)
    shown = lambda value: "" if value is None else str(value)
    arrow = pq.read_table(path)
    assert arrow.column_names == head, path
    columns = [arrow.column(name).to_pylist() for name in head]
    assert [[shown(cell) for cell in row] for row in zip(*columns)] == rows, path
    duck = duckdb.sql(f"select * from '{path}'").fetchall()
    assert [[shown(cell) for cell in row] for row in duck] == rows, path
    print(f"{path.name}: {len(rows)} rows, {len(head)} columns, the same as the CSV")
