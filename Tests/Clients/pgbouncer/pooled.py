"""pgbouncer in transaction mode between readers and the pipeline's PostgreSQL: each transaction may come to another connection of the server."""

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import asyncpg
import psycopg

sys.path.insert(0, str(Path(__file__).parent.parent))
from client import PIPELINE, address, check, finish, parallax, publish, sell
import client

PORT = int(os.environ["CLIENT_PORT"])
READERS = 8
SERVER_CONNECTIONS = 3
ONE_SNAPSHOT = """
    SELECT (SELECT sum(sales) FROM serving.sales_by_hour), (SELECT sum(revenue) FROM serving.sales_by_hour),
           (SELECT sum(sales) FROM serving.sales_by_shop)
"""


def version():
    words = subprocess.run(["pgbouncer", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in re.search(r"(\d+)\.(\d+)", words).groups())


def start(reader):
    folder = PIPELINE / "pgbouncer"
    folder.mkdir()
    (folder / "users.txt").write_text(f'"{reader["user"]}" "{reader["password"]}"\n')
    settings = [
        "[databases]",
        f"{reader['dbname']} = host={reader['host']} port={reader['port']}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {PORT}",
        "unix_socket_dir =",
        "auth_type = scram-sha-256",
        f"auth_file = {folder}/users.txt",
        "pool_mode = transaction",
        f"default_pool_size = {SERVER_CONNECTIONS}",
        # What drivers send at the start and pgbouncer cannot keep apart for its clients.
        "ignore_startup_parameters = extra_float_digits,options",
    ]
    if version() >= (1, 21):
        settings.append("max_prepared_statements = 100")
    if os.geteuid() == 0:  # It refuses to work as root.
        settings.append("user = nobody")
        subprocess.run(["chown", "-R", "nobody", folder], check=True)
    (folder / "pgbouncer.ini").write_text("\n".join(settings) + "\n")
    return subprocess.Popen(["pgbouncer", "--quiet", folder / "pgbouncer.ini"], stdout=subprocess.DEVNULL, stderr=open(folder / "log", "w"))


class Reader(threading.Thread):
    """Asks until it is told to stop, each time in a transaction of its own; what it sees must be whole, and never less than before."""

    def __init__(self, pooled, prepare, isolation=None):
        super().__init__()
        self.pooled, self.prepare, self.isolation = pooled, prepare, isolation
        self.answers, self.problems, self.backends, self.sales = 0, [], set(), 0
        self.stops = threading.Event()

    def run(self):
        try:
            with psycopg.connect(**self.pooled, prepare_threshold=self.prepare) as connection:
                connection.isolation_level = self.isolation
                last = False
                while not last:
                    last = self.stops.is_set()
                    with connection.transaction():
                        self.backends.add(connection.execute("SELECT pg_backend_pid()").fetchone()[0])
                        for _ in range(2 if self.isolation else 1):
                            self.look(connection.execute(ONE_SNAPSHOT).fetchone())
        except Exception as error:
            self.problems.append(repr(error))

    def look(self, row):
        sales, revenue, by_shop = row
        if sales != by_shop or revenue != Decimal("2.50") * sales:
            self.problems.append(f"{sales} sales by hour, {by_shop} by shop, {revenue}")
        if sales < self.sales:
            self.problems.append(f"{sales} sales after {self.sales}")
        self.sales = sales
        self.answers += 1


async def asynchronous(pooled):
    connection = await asyncpg.connect(
        host=pooled["host"], port=pooled["port"], user=pooled["user"], password=pooled["password"], database=pooled["dbname"],
        statement_cache_size=100 if version() >= (1, 21) else 0,
    )  # fmt: skip
    try:
        answers = []
        for _ in range(20):
            async with connection.transaction():
                answers.append(await connection.fetchval("SELECT sum(sales) FROM serving.sales_by_shop WHERE shop = ANY ($1)", ["shop 0", "shop 1", "shop 2"]))
        return answers
    finally:
        await connection.close()


def main():
    direct = address()
    pooled = direct | {"host": "127.0.0.1", "port": PORT}
    prepare = 1 if version() >= (1, 21) else None
    print(f"  pgbouncer {'.'.join(map(str, version()))}, psycopg {psycopg.__version__}, asyncpg {asyncpg.__version__}", flush=True)
    sell(60)
    bouncer = start(direct)
    try:
        for _ in range(100):
            try:
                psycopg.connect(**pooled).close()
                break
            except psycopg.OperationalError:
                if bouncer.poll() is not None:
                    raise RuntimeError("pgbouncer has ended: " + (PIPELINE / "pgbouncer" / "log").read_text())
                time.sleep(0.1)

        readers = [Reader(pooled, prepare, psycopg.IsolationLevel.REPEATABLE_READ if n % 2 else None) for n in range(READERS)]
        for reader in readers:
            reader.start()
        # LISTEN has a connection of its own, past the pooler.
        with psycopg.connect(**direct, autocommit=True) as listener:
            listener.execute('LISTEN "serving.sales_by_hour"')
            for _ in range(4):
                sell(30)
                publish()
            heard = kinds(listener)
        for reader in readers:
            reader.stops.set()
        for reader in readers:
            reader.join()
        check("no reader met an error or an answer that was not whole", [p for r in readers for p in r.problems], [])
        check("all of them have all sales in the end", {r.sales for r in readers}, {client.sold})
        check("each has asked more than ten times", all(r.answers > 10 for r in readers))
        check("readers shared the connections", len({b for r in readers for b in r.backends}) <= SERVER_CONNECTIONS)
        check("and went from one to another", any(len(r.backends) > 1 for r in readers))
        check("LISTEN past the pooler has heard of flushes and publications", heard, {"flush", "publication"})
        check("asyncpg: 20 transactions", set(asyncio.run(asynchronous(pooled))), {client.sold})

        # What a session is told is told to whoever gets the connection next; what a transaction is told ends with it.
        with psycopg.connect(**pooled, prepare_threshold=prepare) as connection:
            with connection.transaction():
                connection.execute("SELECT set_config('shop.tenant', 'a', true)")
                check("a setting of the transaction holds in it", connection.execute("SELECT current_setting('shop.tenant', true)").fetchone()[0], "a")
            with connection.transaction():
                check("and not behind it", connection.execute("SELECT coalesce(current_setting('shop.tenant', true), '')").fetchone()[0], "")

        if prepare is None:
            states = set()
            try:
                crowd = [psycopg.connect(**pooled, prepare_threshold=0, autocommit=True) for _ in range(2)]
                for _ in range(10):
                    for connection in crowd:
                        connection.execute("SELECT sum(sales) FROM serving.sales_by_shop WHERE shop = %s", ["shop 0"])
            except psycopg.Error as error:
                states.add(error.sqlstate)
            check("this pgbouncer knows no prepared statements: they fail", states <= {"26000", "42P05"} and states != set())
    finally:
        bouncer.terminate()
        bouncer.wait()
    finish()


def kinds(listener):
    heard = set()
    for one in listener.notifies(timeout=30):
        heard |= {kind for kind in ("flush", "publication") if f'"{kind}"' in one.payload}
        if len(heard) == 2:
            break
    return heard


main()
