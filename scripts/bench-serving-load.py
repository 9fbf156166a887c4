#!/usr/bin/env python3
"""The second half of `make bench-serving`: many clients follow a view, others ask for rows at a steady rate, events come in, and batch runs publish.

Prints what each of them saw. Latencies of rows count from the time at which a request was due, so that one that is held up does not hide those behind it.
A change's number is the time at which its flush was numbered, just before it is committed: that is what latencies of events count from.

usage: bench-serving-load.py ADDRESS SERVER_PID PARALLAX PIPELINE FIRST_MINUTE [--clients 1000] [--rate 200] [--events 200] [--every 10] [--seconds 240]
"""
import argparse
import array
import asyncio
import multiprocessing
import os
import random
import re
import resource
import subprocess
import threading
import time

arguments = argparse.ArgumentParser()
arguments.add_argument("address")
arguments.add_argument("pid", type=int)
arguments.add_argument("parallax")
arguments.add_argument("pipeline")
arguments.add_argument("first_minute", type=int, help="seconds since 1970: events come from here on")
arguments.add_argument("--clients", type=int, default=1_000)
arguments.add_argument("--rate", type=float, default=200)
arguments.add_argument("--events", type=int, default=200, help="a second")
arguments.add_argument("--every", type=float, default=10)
arguments.add_argument("--seconds", type=float, default=240)
given = arguments.parse_args()
host, port = given.address.rsplit(":", 1)


def text(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def spread(values):
    values = sorted(values)
    return f"p50 {percentile(values, 0.5) * 1e3:.0f} ms, p99 {percentile(values, 0.99) * 1e3:.0f} ms, max {values[-1] * 1e3:.0f} ms" if values else "none"


class Follower(asyncio.Protocol):
    """One client of server-sent events. It looks at ids alone: what rows say is the tests' matter."""

    id_line = re.compile(rb"\nid: (\d+)\n")

    def __init__(self, world):
        self.world = world
        self.rest = b""
        self.last = 0
        self.events = 0
        self.late = array.array("d")
        self.ended = None

    def connection_made(self, transport):
        query = f"from={text(given.first_minute - 600)}"
        transport.write(f"GET /v1/views/hits/live?{query} HTTP/1.1\r\nHost: {given.address}\r\nAccept: text/event-stream\r\n\r\n".encode())

    def data_received(self, data):
        now = time.time()
        data = self.rest + data
        end = data.rfind(b"\n\n")
        if end < 0:
            if b"HTTP/1.1 " in data[:9] and b"HTTP/1.1 200" not in data[:12]:
                self.ended = data[:400]
            self.rest = data
            return
        # The line break before stays: an id may be the first line behind it.
        self.rest = data[end + 1 :]
        for found in self.id_line.findall(data[: end + 1]):
            change = int(found)
            if self.last == 0:
                self.last = change
                self.world["ready"] += 1
                continue
            if change <= self.last:
                self.ended = b"a number that does not grow"
            self.last = change
            self.events += 1
            self.late.append(now - change / 1e6)

    def connection_lost(self, problem):
        self.ended = self.ended or f"closed: {problem}".encode()


async def follow(pipe):
    loop = asyncio.get_running_loop()
    world = {"ready": 0}
    clients = []
    for _ in range(given.clients):
        clients.append((await loop.create_connection(lambda: Follower(world), host, int(port)))[1])
        await asyncio.sleep(0.005)
    while world["ready"] < given.clients and not all(c.ended for c in clients if not c.last):
        await asyncio.sleep(0.1)
    pipe.send(("ready", world["ready"], next((c.ended for c in clients if c.ended), None)))
    for client in clients:
        client.events, client.late = 0, array.array("d")
    while not pipe.poll():
        await asyncio.sleep(0.1)
    number = pipe.recv()
    deadline = time.time() + 60
    while time.time() < deadline and any(c.last < number and not c.ended for c in clients):
        await asyncio.sleep(0.1)
    late = sorted(value for c in clients for value in c.late)
    pipe.send((
        [c.events for c in clients], sum(1 for c in clients if c.ended), sum(1 for c in clients if c.last >= number), len(late), spread(late),
        next((c.ended for c in clients if c.ended), None)))


class Connection:
    def __init__(self):
        self.reader = self.writer = None

    async def ask(self, request):
        """The status of the answer; its body is read."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(host, int(port), limit=1 << 22)
        try:
            self.writer.write(request)
            head = await self.reader.readuntil(b"\r\n\r\n")
            await self.reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
            return int(head[9:12])
        except Exception:
            self.writer.close()
            self.writer = None
            raise


async def ask(pipe):
    """Rows of an hour of one page, at a steady rate; and events, ten bodies a second."""
    chance = random.Random(20261127)
    rows, written, problems = [], [], {}
    idle = []
    until = time.time() + given.seconds
    number = 0

    def rows_request():
        begin = chance.randrange(946_684_800, given.first_minute - 3_600) // 60 * 60
        if chance.randrange(2) == 0:
            begin = given.first_minute - 1_800
        path = f"/v1/views/hits/rows?from={text(begin)}&to={text(begin + 3_600)}&filter.page=%2Fpage%2F{chance.randrange(10) + 1}"
        return f"GET {path} HTTP/1.1\r\nHost: {given.address}\r\n\r\n".encode()

    def events_request():
        nonlocal number
        second = given.first_minute + int(time.time() - until + given.seconds)
        lines = []
        for _ in range(max(1, given.events // 10)):
            number += 1
            lines.append(f'{{"id":{number},"at":"{text(second)}","page":"/page/{number % 10 + 1}","amount":{number % 1000 / 100}}}')
        body = "\n".join(lines).encode()
        head = f"POST /v1/sources/hit/events HTTP/1.1\r\nHost: {given.address}\r\nContent-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    async def one(due, request, into):
        connection = idle.pop() if idle else Connection()
        try:
            status = await connection.ask(request)
            if status != 200:
                problems[status] = problems.get(status, 0) + 1
        except Exception as error:
            problems[type(error).__name__] = problems.get(type(error).__name__, 0) + 1
        into.append((due, time.time() - due))
        idle.append(connection)

    async def steadily(each, make, into):
        due = time.time()
        tasks = set()
        while due < until:
            await asyncio.sleep(max(0, due - time.time()))
            task = asyncio.create_task(one(due, make(), into))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            due += each
        if tasks:
            await asyncio.wait(tasks)

    await asyncio.gather(steadily(1 / given.rate, rows_request, rows), steadily(0.1, events_request, written))
    pipe.send((rows, written, problems, len(idle), number))


def process(role):
    ours, theirs = multiprocessing.Pipe()

    def run():
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        asyncio.run(role(theirs))

    started = multiprocessing.get_context("fork").Process(target=run, daemon=True)
    started.start()
    return started, ours


def received(started, pipe):
    while not pipe.poll(1):
        if not started.is_alive():
            raise SystemExit("a client's process ended")
    return pipe.recv()


def memory():
    fields = dict(line.split(":", 1) for line in open(f"/proc/{given.pid}/status"))
    return int(fields["VmRSS"].split()[0]) / 1024, len(os.listdir(f"/proc/{given.pid}/fd"))


def sql(statement):
    return subprocess.run(["psql", "-XAtqc", statement], check=True, capture_output=True, text=True).stdout.strip()


followers, follower_pipe = process(follow)
_, ready, problem = received(followers, follower_pipe)
if ready < given.clients:
    raise SystemExit(f"{ready} of {given.clients} clients follow; {problem}")
began = time.time()
first_run = int(sql("SELECT coalesce(max(run_id), 0) FROM parallax.run"))
askers, asker_pipe = process(ask)

# What PostgreSQL says of the server's sessions: how many there are, and how many wait for a lock.
watch = subprocess.Popen(["psql", "-XAtq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
watch.stdin.write("""SELECT count(*) FILTER (WHERE application_name LIKE 'parallax serve%'),
    count(*) FILTER (WHERE application_name LIKE 'parallax serve%' AND wait_event_type = 'Lock'), count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'
    \\watch 0.2
""")
watch.stdin.close()
looks = []
threading.Thread(target=lambda: looks.extend(l.split("|") for l in watch.stdout if l.count("|") == 2), daemon=True).start()

runs, samples = [], []


def publish():
    due = began + given.every
    while due < began + given.seconds:
        time.sleep(max(0, due - time.time()))
        start = time.time()
        done = subprocess.run([given.parallax, "batch", "run", "--pipeline", given.pipeline], capture_output=True, text=True)
        runs.append((start, time.time(), done.returncode))
        if done.returncode:
            print(done.stdout, done.stderr)
        due = max(due + given.every, time.time())


publishing = threading.Thread(target=publish)
publishing.start()
while time.time() < began + given.seconds:
    samples.append((time.time() - began, *memory()))
    time.sleep(1)
rows, written, problems, connections, events = received(askers, asker_pipe)
publishing.join()
samples.append((time.time() - began, *memory()))
watch.terminate()
# All that was appended is in a change before the last number is asked for.
time.sleep(3)
follower_pipe.send(int(sql("SELECT parallax.change('hits')")))
counts, lost, arrived, told, late, problem = received(followers, follower_pipe)
published = [float(line) for line in sql(f"SELECT extract(epoch FROM finished_at) FROM parallax.run WHERE run_id > {first_run} AND state = 'published' ORDER BY 1").split()]
kept = int(sql("SELECT sum(n) FROM serving.hits WHERE minute >= to_timestamp(%d)" % given.first_minute) or 0)

print(f"{given.seconds:.0f} s, {given.clients} clients of /live, {given.rate:.0f} requests a second, {given.events} events a second, a run every {given.every:.0f} s")
counts.sort()
print(f"events a client      {counts[0]} to {counts[-1]}, {told} in all; lost clients {lost}{'' if problem is None else f' ({problem})'}; at the last change {arrived}")
print(f"flush to arrival     {late}")
print(f"rows                 {len(rows)} answers, {spread([l for _, l in rows])}; other than 200: {problems or 'none'}; {connections} connections")
near = [l for due, l in rows if any(p - 2 <= due <= p + 1 for p in published)]
print(f"  at publications    {len(near)} answers, {spread(near)}")
during = [l for due, l in rows if any(s <= due <= e for s, e, _ in runs)]
print(f"  during runs        {len(during)} answers, {spread(during)}")
rest = [l for due, l in rows if not any(s <= due <= e for s, e, _ in runs)]
print(f"  between them       {len(rest)} answers, {spread(rest)}")
print(f"appends              {len(written)} bodies, {events} events, {spread([l for _, l in written])}; {kept} of them in the view")
print(f"runs                 {len(runs)}, {sum(1 for r in runs if r[2])} failed, {len(published)} published; {spread([e - s for s, e, _ in runs])}")
locks = [int(l[1]) for l in looks]
print(f"sessions             the server's {max((int(l[0]) for l in looks), default=0)}, all {max((int(l[2]) for l in looks), default=0)} at most; "
      f"waiting for a lock in {sum(1 for l in locks if l)} of {len(locks)} looks")
at = lambda share: samples[min(len(samples) - 1, int(len(samples) * share))]
print("server's memory      " + ", ".join(f"{at(s)[1]:.0f} MB at {at(s)[0]:.0f} s" for s in (0, 0.25, 0.5, 0.75, 1)) +
      f"; at most {max(s[1] for s in samples):.0f} MB; open files {max(s[2] for s in samples)} at most")
if lost or problems or arrived < given.clients or any(r[2] for r in runs) or kept != events:
    raise SystemExit("not everything is as it should be")
