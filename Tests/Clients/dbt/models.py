"""dbt on served views: sources and their freshness, models and tests on top, across publications and a changed view."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg2

sys.path.insert(0, str(Path(__file__).parent.parent))
import client
from client import PIPELINE, address, check, finish, parallax, publish, sell

PROJECT = PIPELINE / "dbt"


def dbt(*arguments, **environment):
    """Its exit code, and what it printed."""
    result = subprocess.run(
        [Path(sys.executable).parent / "dbt", "--no-use-colors", *arguments, "--project-dir", PROJECT, "--profiles-dir", PROJECT],
        env=os.environ | environment, capture_output=True, text=True, cwd=PROJECT,
    )  # fmt: skip
    return result.returncode, result.stdout + result.stderr


def artifact(name):
    return json.loads((PROJECT / "target" / name).read_text())["results"]


def succeeds(words, *arguments):
    code, output = dbt(*arguments)
    check(words, code, 0)
    if code != 0:
        print(output[-4000:], flush=True)


def ask(sql):
    with psycopg2.connect(**ROLE) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def change_view(old, new):
    path = PIPELINE / "views.sql"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


print(f"  dbt-core {importlib.metadata.version('dbt-core')}, dbt-postgres {importlib.metadata.version('dbt-postgres')}", flush=True)
shutil.copytree(Path(__file__).parent / "project", PROJECT)
# A role that reads as programs do, and owns a schema for its models.
parallax(
    "psql", "--", "-qX", "-v", "ON_ERROR_STOP=1", "-c",
    "CREATE ROLE dbt LOGIN PASSWORD 'of dbt'; GRANT parallax_reader TO dbt; CREATE SCHEMA analytics AUTHORIZATION dbt",
)  # fmt: skip
ROLE = address() | {"user": "dbt", "password": "of dbt"}
os.environ |= {
    "DBT_HOST": ROLE["host"], "DBT_PORT": str(ROLE["port"]), "DBT_USER": ROLE["user"], "DBT_PASSWORD": ROLE["password"], "DBT_DATABASE": ROLE["dbname"],
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
}  # fmt: skip

sell(60)
publish()
sell(20)
succeeds("dbt debug reaches the server", "debug")

succeeds("source freshness: rows of a moment ago are fresh", "source", "freshness")
fresh = {one["unique_id"]: one for one in artifact("sources.json")}
check("only the source that asks for it has a freshness", list(fresh), ["source.shop.parallax.sales_by_hour"])
one = fresh["source.shop.parallax.sales_by_hour"]
loaded = datetime.fromisoformat(one["max_loaded_at"].replace("Z", "+00:00"))
check("max_loaded_at is when the newest record was appended", timedelta(0) <= datetime.now(timezone.utc) - loaded < timedelta(hours=1))
code, _ = dbt("source", "freshness", SHOP_STALE_HOURS="0")
check("rows older than error_after are an error", (code, artifact("sources.json")[0]["status"]), (1, "error"))

succeeds("dbt run: a view, a table, an incremental table", "run")
check("each model is there", {one["unique_id"].split(".")[-1]: one["status"] for one in artifact("run_results.json")},
      {"revenue_by_shop": "success", "revenue_by_day": "success", "hours": "success"})  # fmt: skip
succeeds("dbt test", "test")
total = "SELECT sum(sales) FROM analytics.{}"
for model in ["revenue_by_shop", "revenue_by_day", "hours"]:
    check(f"{model} has all sales", ask(total.format(model)), [(client.sold,)])

before = client.sold
sell(20)
check("the view is live", ask(total.format("revenue_by_shop")), [(client.sold,)])
check("the table is of the last run", ask(total.format("revenue_by_day")), [(before,)])
publish()
check("a publication changes neither", [ask(total.format(model))[0][0] for model in ["revenue_by_shop", "revenue_by_day"]], [client.sold, before])




def traffic():
    """Live rows all the time, and a publication in the midst: changes are kept as long as three publications are (batch.keep_publications)."""
    sell(10)
    publish()
    while not isDone.is_set():
        sell(10)


for turn in (1, 2):
    isDone = threading.Event()
    publishing = threading.Thread(target=traffic)
    publishing.start()
    try:
        succeeds(f"dbt build while live rows come and a run is published ({turn})", "build")
    finally:
        isDone.set()
        publishing.join()
succeeds("dbt run takes what has changed since", "run")
same = """
    SELECT count(*) FROM (SELECT hour, shop, sales, revenue FROM serving.sales_by_hour) v
    FULL JOIN (SELECT hour, shop, sales, revenue FROM analytics.hours WHERE operation <> 'delete') h USING (hour, shop, sales, revenue)
    WHERE v IS NULL OR h IS NULL
"""
check("the incremental table equals the view", ask(same), [(0,)])
check("and has all sales", ask(total.format("hours")), [(client.sold,)])
for _ in range(5):
    sell(1)
    publish()
code, output = dbt("run", "--select", "hours")
check("changes that are not kept any more are an error, not a gap", (code, "are not kept" in output), (1, True))
succeeds("which a full refresh mends", "run", "--select", "hours", "--full-refresh")
check("the incremental table equals the view again", ask(same), [(0,)])
succeeds("dbt docs generate reads the catalog", "docs", "generate")
catalog = json.loads((PROJECT / "target" / "catalog.json").read_text())["sources"]
columns = [column.lower() for column in catalog["source.shop.parallax.sales_by_hour"]["columns"]]
check("with the view's columns", columns, ["hour", "shop", "sales", "revenue", "products", "weight", "is_exact", "is_closed"])

# A column goes that no model reads: Parallax makes the view anew, and dbt's view on it, too.
change_view(", avg(weight) AS weight", "")
parallax("apply", "--yes")
publish()
check("a column that no model reads goes: the model's view is still there", ask(total.format("revenue_by_shop")), [(client.sold,)])
check("and dbt's", ask("SELECT viewowner::text FROM pg_views WHERE schemaname = 'analytics'"), [("dbt",)])
succeeds("dbt build goes on (the incremental table from the beginning)", "build", "--full-refresh")

# A column goes that a model reads: said before anything is done.
change_view(", sum(amount) AS revenue, count(DISTINCT product)", ", count(DISTINCT product)")
code, output, errors = parallax("apply", "--yes", status=None)
check("a column that a model reads goes: apply refuses, and names the model", (code, "view analytics.revenue_by_shop (of dbt) reads \"revenue\"" in output), (65, True))
check("nothing has changed", ask(total.format("revenue_by_shop")), [(client.sold,)])
succeeds("and dbt goes on", "build")
finish()
