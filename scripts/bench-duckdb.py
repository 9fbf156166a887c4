#!/usr/bin/env python3
"""The demo's view, computed by DuckDB from the same JSON lines: a yardstick in the same run.

Malformed lines are passed over (ignore_errors); duplicates are removed as the batch layer removes them.
Prints one line of JSON: seconds, cpu_seconds, rows, groups, version, threads.
"""
import json
import resource
import sys
import time

import duckdb

path, threads = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
connection = duckdb.connect()
connection.execute(f"SET threads = {threads}")
cpu = resource.getrusage(resource.RUSAGE_SELF)
start = time.monotonic()
groups = connection.execute(
    """
    CREATE TABLE result AS
    SELECT time_bucket(INTERVAL '1 minute', event_time) AS minute, page,
           count(*) AS views, count(DISTINCT visitor) AS visitors, sum(amount) AS revenue,
           count(*) FILTER (WHERE amount > 0) AS purchases, avg(duration_ms) AS average_ms, max(duration_ms) AS longest_ms
    FROM (SELECT DISTINCT ON (event_id, event_time) * FROM read_json(?, format = 'newline_delimited', ignore_errors = true, columns = {
            event_id: 'UUID', event_time: 'TIMESTAMPTZ', visitor: 'VARCHAR', page: 'VARCHAR', country: 'VARCHAR',
            amount: 'DECIMAL(12,2)', duration_ms: 'BIGINT'}) WHERE event_id IS NOT NULL AND event_time IS NOT NULL)
    WHERE country <> 'ZZ' GROUP BY minute, page
    """,
    [path],
).fetchone()[0]
seconds = time.monotonic() - start
after = resource.getrusage(resource.RUSAGE_SELF)
views = connection.execute("SELECT sum(views) FROM result").fetchone()[0]
print(
    json.dumps(
        {
            "seconds": seconds,
            "cpu_seconds": after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime,
            "views": int(views),
            "groups": groups,
            "version": duckdb.__version__,
            "threads": threads,
        }
    )
)
