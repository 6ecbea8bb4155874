"""Makes the Parquet files in this folder: pip install pyarrow==26.0.1, then run it here."""

import datetime as dt
import decimal
import os

import pyarrow as pa
import pyarrow.parquet as pq

N = 40
x = [i / 4 for i in range(N)]
y = [3 * v + 1 for v in x]

# One file for each codec; every other program writes gzip or snappy, Spark lz4 in the way of Hadoop.
for codec in ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]:
    table = pa.table({"x": x, "y": y, "s": [f"name {i % 3}" for i in range(N)]})
    pq.write_table(table, f"codec_{codec}.parquet", compression=codec, row_group_size=25)

# A column for each type.
day = dt.date(2024, 2, 27)
when = dt.datetime(2024, 2, 28, 22, 30, 0, 125000)
hours = [when + dt.timedelta(hours=i) for i in range(4)]
utc = [h.replace(tzinfo=dt.timezone.utc) for h in hours]
types = pa.table(
    {
        "u64": pa.array([0, 1, 2**63, 2**64 - 1], pa.uint64()),
        "u32": pa.array([0, 1, 2, 2**32 - 1], pa.uint32()),
        "u16": pa.array([0, 1, 2, 2**16 - 1], pa.uint16()),
        "u8": pa.array([0, 1, 2, 255], pa.uint8()),
        "i32": pa.array([0, -1, 2, None], pa.int32()),
        "i16": pa.array([0, -1, 2, None], pa.int16()),
        "i8": pa.array([0, -1, 2, -128], pa.int8()),
        "half": pa.array([0.5, -1.25, 65504.0, None], pa.float16()),
        "single": pa.array([0.1, -1.25, 3e38, None], pa.float32()),
        "decimal": pa.array([decimal.Decimal(t) for t in ["1.10", "-2.25", "0.00", "99999999.99"]]),
        "wide": pa.array([decimal.Decimal(t) for t in ["0.1", "-0.2", "0.3", "12345678901234567890123456789.7"]],
                         pa.decimal256(60, 30)),
        "flag": pa.array([True, False, None, True]),
        "text": pa.array(["a", "", None, "ä"], pa.large_string()),
        "view": pa.array(["a", "", None, "a long text that is not inlined"], pa.string_view()),
        "category": pa.array(["red", "blue", None, "red"]).dictionary_encode(),
        "date": pa.array([day + dt.timedelta(days=i) for i in range(4)]),
        "ms": pa.array(hours, pa.timestamp("ms")),
        "us": pa.array(hours, pa.timestamp("us")),
        "ns": pa.array(hours, pa.timestamp("ns")),
        "utc": pa.array(utc, pa.timestamp("us", "UTC")),
        "zone": pa.array(utc, pa.timestamp("ms", "Europe/Berlin")),
        "time": pa.array([dt.time(1, 2, 3), None, dt.time(0), dt.time(23, 59, 59)], pa.time64("us")),
        "bytes": pa.array([b"\x00\xff", b"", None, b"abc"]),
        "lists": pa.array([[1.0], [], None, [2.0, 3.0]], pa.list_(pa.float64())),
        "names": pa.array([["a"], [], None, ["b", "c"]], pa.list_(pa.string())),
        "labels": pa.array([[1], [], None, [2, 3]], pa.list_(pa.int16())),
        "record": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}, {"a": 2, "b": ""}]),
        "map": pa.array([[("k", 1)], [], None, [("l", 2)]], pa.map_(pa.string(), pa.int64())),
        "none": pa.nulls(4),
        "vector": pa.array([[1.0, 2.0]] * 4, pa.list_(pa.float16(), 2)),
    }
)
pq.write_table(types, "types.parquet", compression="snappy")

# As Hive and Impala wrote times, among them some that do not fit into 64 bits of nanoseconds.
times = pa.table({"when": pa.array([when, dt.datetime(1, 1, 1), None, dt.datetime(9999, 12, 31, 23, 59, 59)],
                                   pa.timestamp("us"))})
pq.write_table(times, "int96.parquet", use_deprecated_int96_timestamps=True)

# A plain file to be damaged by the tests.
plain = pa.table({"x": x, "v": pa.array([[v, -v] for v in x], pa.list_(pa.float64(), 2)),
                  "s": [f"name {i % 3}" for i in range(N)], "y": y})
pq.write_table(plain, "plain.parquet", compression="gzip", row_group_size=25)
print({f: os.path.getsize(f) for f in sorted(os.listdir(".")) if f.endswith(".parquet")})
