"""Apache Superset over a merged view: a chart's time filter must reach the rows of both layers, not what is left of them after they are merged."""

import http.client
import importlib.metadata
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.parse
from datetime import timedelta
from pathlib import Path

import psycopg2

sys.path.insert(0, str(Path(__file__).parent.parent))
import client
from client import PIPELINE, START, address, check, finish, publish, sell

PORT = int(os.environ["CLIENT_PORT"])
HOME = PIPELINE / "superset"
PASSWORD = secrets.token_hex(16)


def superset(*arguments):
    result = subprocess.run([Path(sys.executable).parent / "superset", *arguments], capture_output=True, text=True, cwd=HOME)
    if result.returncode != 0:
        raise RuntimeError(f"superset {' '.join(arguments)}: {result.stdout[-2000:]}{result.stderr[-2000:]}")


def request(method, path, body=None, token=None):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=300)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path}: {answer.status} {text[:2000]}")
    return json.loads(text)


def install():
    """A Superset of its own, in the pipeline's folder: its database is a file of SQLite."""
    HOME.mkdir()
    (HOME / "superset_config.py").write_text(
        f"SECRET_KEY = {secrets.token_hex(32)!r}\nSQLALCHEMY_DATABASE_URI = 'sqlite:///{HOME}/superset.db'\nTALISMAN_ENABLED = False\nWTF_CSRF_ENABLED = False\n"
    )
    os.environ |= {"SUPERSET_CONFIG_PATH": str(HOME / "superset_config.py"), "SUPERSET_HOME": str(HOME), "FLASK_APP": "superset.app:create_app()"}
    superset("db", "upgrade")
    superset("fab", "create-admin", "--username", "admin", "--firstname", "A", "--lastname", "A", "--email", "admin@example.com", "--password", PASSWORD)
    superset("init")


def start():
    program = [Path(sys.executable).parent / "superset", "run", "--host", "127.0.0.1", "--port", str(PORT), "--with-threads"]
    server = subprocess.Popen(program, stdout=open(HOME / "log", "w"), stderr=subprocess.STDOUT, cwd=HOME)
    for _ in range(1200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return server
        except OSError:
            pass
        if server.poll() is not None:
            break
        time.sleep(0.1)
    server.terminate()
    raise RuntimeError("Superset does not answer: " + (HOME / "log").read_text()[-2000:])


def chart(dataset, from_, until, result_type, **more):
    """As a time-series chart asks: days, and the sum of sales."""
    query = {
        "columns": [{"label": "hour", "sqlExpression": "hour", "expressionType": "SQL", "columnType": "BASE_AXIS", "timeGrain": "P1D"}],
        "metrics": [{"label": "sales", "expressionType": "SIMPLE", "aggregate": "SUM", "column": {"column_name": "sales"}}],
        "filters": [{"col": "hour", "op": "TEMPORAL_RANGE", "val": f"{from_:%Y-%m-%dT%H:%M:%S} : {until:%Y-%m-%dT%H:%M:%S}"}],
        "orderby": [],
        "row_limit": 1000,
    } | more
    body = {"datasource": {"id": dataset, "type": "table"}, "queries": [query], "result_type": result_type, "result_format": "json", "force": True}
    return request("POST", "/api/v1/chart/data", body, TOKEN)["result"][0]


def nodes(plan):
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def layers(sql):
    """What PostgreSQL does with the state tables of each layer: the conditions, how the rows are found, and how many are read."""
    with psycopg2.connect(**reader) as connection, connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) " + sql)
        plan = cursor.fetchone()[0][0]["Plan"]
    found = {}
    for node in nodes(plan):
        if node.get("Schema") not in ("batch", "speed"):
            continue
        # A bitmap's condition stands in both of its nodes.
        conditions = " ".join(str(node.get(key, "")) for key in ("Index Cond", "Recheck Cond", "Filter"))
        read = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        found.setdefault(node["Schema"], []).append((node["Node Type"], conditions, node["Actual Rows"] * node["Actual Loops"], read))
    return found


print(f"  Superset {importlib.metadata.version('apache-superset')}, psycopg2 {psycopg2.__version__}", flush=True)
# 4,000 sales are 1,000 hours in the batch layer, and 250 more live ones.
sell(4000)
publish()
sell(1000)
reader = address()
install()
server = start()
try:
    TOKEN = request("POST", "/api/v1/security/login", {"username": "admin", "password": PASSWORD, "provider": "db", "refresh": False})["access_token"]
    url = "postgresql+psycopg2://{user}:{password}@{host}:{port}/{dbname}".format(**reader)
    database = request("POST", "/api/v1/database/", {"database_name": "parallax", "sqlalchemy_uri": url, "expose_in_sqllab": True}, TOKEN)["id"]
    check("the role of parallax dsn connects", database > 0)
    listed = request("GET", f"/api/v1/database/{database}/tables/?q=" + urllib.parse.quote("(schema_name:serving,force:!t)"), token=TOKEN)["result"]
    check("the views are listed", {"sales_by_hour", "sales_by_shop", "newest_sale"} <= {one["value"] for one in listed})
    dataset = request("POST", "/api/v1/dataset/", {"database": database, "schema": "serving", "table_name": "sales_by_hour"}, TOKEN)["id"]
    columns = {one["column_name"]: one for one in request("GET", f"/api/v1/dataset/{dataset}", token=TOKEN)["result"]["columns"]}
    check("a dataset has the view's columns", list(columns), ["hour", "shop", "sales", "revenue", "products", "weight", "is_exact", "is_closed"])
    check("the window's start is its time column", [name for name, one in columns.items() if one["is_dttm"]], ["hour"])

    # The last three days of the batch layer and the first three of the live rows.
    border = START + timedelta(minutes=15 * 4000)
    from_, until = border - timedelta(days=3), border + timedelta(days=3)
    sql = chart(dataset, from_, until, "query")["query"]
    check("the chart's query asks for the range", "hour >=" in sql and "hour <" in sql)
    days = chart(dataset, from_, until, "full")["data"]
    check("its answer has all sales of it", sum(day["sales"] for day in days), 6 * 24 * 4)
    found = layers(sql)
    for layer in ("batch", "speed"):
        scans = found.get(layer, [])
        check(f"{layer}: its rows are in the plan", len(scans) > 0)
        check(f"{layer}: the range is a condition on its rows", all(c.count("window_start >=") >= 1 and c.count("window_start <") >= 1 for _, c, _, _ in scans))
        # A row is an hour and a shop. (A sale of each 15 minutes: all three shops in each hour.)
        check(f"{layer}: no more rows than the range's come out of its table", all(rows <= 3 * 24 * 3 for _, _, rows, _ in scans))
        print(f"  (      {layer}: {', '.join(f'{kind}, {read} rows read' for kind, _, _, read in scans)})", flush=True)

    filtered = chart(dataset, from_, until, "query", filters=[
        {"col": "hour", "op": "TEMPORAL_RANGE", "val": f"{from_:%Y-%m-%dT%H:%M:%S} : {until:%Y-%m-%dT%H:%M:%S}"},
        {"col": "shop", "op": "IN", "val": ["shop 1"]},
    ])["query"]  # fmt: skip
    check("a filter on a group column reaches both layers, too",
          all("g0 = 'shop 1'" in c or "g0 = ANY" in c for scans in layers(filtered).values() for _, c, _, _ in scans))  # fmt: skip

    # A publication goes by; the chart is asked again.
    publish()
    sell(12)
    check("after a publication the same chart has the same sales", sum(day["sales"] for day in chart(dataset, from_, until, "full")["data"]), 6 * 24 * 4)
    end = START + timedelta(days=365)
    check("and one of all time has all of them", sum(day["sales"] for day in chart(dataset, START, end, "full")["data"]), client.sold)
finally:
    server.terminate()
    server.wait()
finish()
