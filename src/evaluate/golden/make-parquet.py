"""Writes tiny.parquet with pyarrow, as the hub's converter does: snappy, 64-bit integers, lists, structures."""
import pathlib

import pyarrow
import pyarrow.parquet

rows = [
    {"question": "Wo? \u00fc\u2028\U0001f999", "label": 0, "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "gold": [1]},
    {"question": "", "label": 2**40, "choices": {"text": [], "label": []}, "gold": []},
    {"question": None, "label": None, "choices": None, "gold": None},
]
path = pathlib.Path(__file__).with_name("tiny.parquet")
pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path, compression="snappy")
