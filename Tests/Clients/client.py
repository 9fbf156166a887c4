"""What the clients in Python share: a line for each thing that was checked, and the pipeline's commands."""

import json
import os
import subprocess
import sys
import urllib.parse
from datetime import datetime, timedelta, timezone
from pathlib import Path

PIPELINE = Path(os.environ["PARALLAX_PIPELINE"])
START = datetime(2026, 3, 1, tzinfo=timezone.utc)

failed = 0
sold = 0


def check(words, found, expected=True):
    global failed
    if found == expected:
        print(f"  ok      {words}", flush=True)
    else:
        failed += 1
        print(f"  FAILED  {words}: {found!r}, not {expected!r}", flush=True)


def finish():
    sys.exit(1 if failed else 0)


def parallax(*arguments, input=None, status=0):
    """Its standard output. `status` None: whatever it ends with, as (status, output, errors)."""
    result = subprocess.run(
        [os.environ["PARALLAX"], *arguments], input=input, stdin=subprocess.DEVNULL if input is None else None, capture_output=True, text=True
    )
    if status is None:
        return result.returncode, result.stdout, result.stderr
    if result.returncode != status:
        raise RuntimeError(f"parallax {' '.join(arguments)} ended with {result.returncode}: {result.stdout}{result.stderr}")
    return result.stdout.strip()


def sell(count):
    """So many sales of 2.50 more, four an hour, in three shops. Returns when readers see them."""
    global sold
    lines = [
        json.dumps(
            {
                "id": id,
                "at": (START + timedelta(minutes=15 * id)).isoformat(),
                "shop": f"shop {id % 3}",
                "product": f"p{id % 7}",
                "amount": "2.50",
                "weight": 1.5,
            }
        )
        for id in range(sold, sold + count)
    ]
    written = json.loads(parallax("ingest", "sale", "-", "--json", input="\n".join(lines) + "\n"))
    parallax("wait", written["token"], "--timeout", "60s")
    sold += count


def address(*flags):
    """Of a role, as its parts: host, port, user, password, database."""
    url = urllib.parse.urlsplit(parallax("dsn", "--tcp", "--url", *flags))
    return {
        "host": url.hostname,
        "port": url.port,
        "user": urllib.parse.unquote(url.username),
        "password": urllib.parse.unquote(url.password),
        "dbname": url.path.lstrip("/"),
    }


def publish():
    parallax("batch", "run")
