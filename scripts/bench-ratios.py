#!/usr/bin/env python3
"""Prints the figures of one `make bench` as ratios to DuckDB computing the same view from the same lines."""
import json
import sys

stages = json.load(open(sys.argv[1]))
duckdb = json.load(open(sys.argv[2]))
count = int(sys.argv[3])
rate = count / duckdb["cpu_seconds"]
print(
    f"DuckDB {duckdb['version']}, {duckdb['threads']} thread: {duckdb['seconds']:.2f} s wall, {duckdb['cpu_seconds']:.2f} s CPU,"
    f" {rate / 1e6:.2f} M records / CPU s, {duckdb['groups']} groups, {duckdb['views']} views"
)
for stage in stages:
    if stage["unit"] != "records":
        continue
    cpu = stage["cpuSeconds"] + (stage.get("serverCPUSeconds") or 0)
    print(f"  {stage['name']:<44} {stage['count'] / max(cpu, 1e-9) / rate:8.2f} x DuckDB per CPU second")
