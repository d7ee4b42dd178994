"""What Baseload is measured by alone: against bounds, in sizes, in seconds to recover, in nanoseconds."""

import json
import re
import statistics
import subprocess
import time
from pathlib import Path

from endpoint import (
    BINARY, COUNTS, LATENCY, READ, ROOT, WRITE, WRITES_IN_FLIGHT, Controller, Endpoint, rounds, run, schedules, span, wait_until,
)


def bench_binary(name):
    """The newest build of a bench of the core."""
    found = [path for path in (ROOT / "target/release/deps").glob(f"{name}-*") if path.suffix == ""]
    return max(found, key=lambda path: path.stat().st_mtime)


def endpoint(*arguments, **named):
    return Endpoint(bench_binary("endpoint"), *arguments, **named)


def median(values):
    return statistics.median(values)


def boundaries(_folder, _quick):
    """Lateness and bursts in virtual time: the same on every machine."""
    output = subprocess.run([bench_binary("boundaries"), "json"], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def real_lateness(folder, quick):
    """Boundaries in real time: the binary, a clock, a wire; from the boundary to the accepted answer."""
    groups, each = (1, 50) if quick else (4, 50)
    first_minute = int(time.time() // 60) + 1
    first_minute += time.time() % 60 > 45  # it wants a moment to settle
    for group in range(groups):
        start = time.gmtime((first_minute + group) * 60)
        end = time.gmtime((first_minute + group + 30) * 60)
        window = f'{{ name: up, from: "{start.tm_hour:02}:{start.tm_min:02}", to: "{end.tm_hour:02}:{end.tm_min:02}", min: 5 }}'
        schedules(folder, each, floor=3, windows=[window], first=group * each, name=f"g{group}-")
    with endpoint(groups * each, floor=3) as aws, Controller(BINARY, aws, folder):
        wait_until(lambda: aws.at_floor(5) == groups * each, patience=60 * (groups + 2), every=1)
        writes = [call for call in aws.calls(WRITE) if call.floor == 5]
    late = sorted(call.answered - call.answered // 60 * 60 for call in writes)
    at = lambda share: late[round((len(late) - 1) * share)]
    return [{"at_once": each, "n": len(late), "p50": at(0.5), "p99": at(0.99), "max": at(1.0)}]


def first_pass(aws, controller, targets):
    """Seconds from exec to the first call and to the last answer of the first look at everything, and its calls."""
    wait_until(lambda: len(aws.calls(READ)) >= -(-targets // 50), every=0.2)
    calls = sorted(aws.calls(READ), key=lambda call: call.arrived)[: -(-targets // 50)]
    return calls[0].arrived - controller.started, max(call.answered for call in calls) - controller.started, len(calls)


def start(folder, quick):
    """From exec to the first call, and to the first pass that found everything right."""
    rows = []
    for targets in (1, 500, 3000):
        where = schedules(folder / str(targets), targets)
        firsts, wholes = [], []
        for _ in range(3 if quick else 7):
            with endpoint(targets, floor=3) as aws, Controller(BINARY, aws, where) as controller:
                first, whole, calls = first_pass(aws, controller, targets)
                firsts.append(first)
                wholes.append(whole)
        bound = LATENCY * rounds(calls)
        with endpoint(targets, floor=3) as aws:
            cpu = median(run(plan(where), aws).cpu for _ in range(3 if quick else 7))
        row = {"targets": targets, "first_call": median(firsts), "pass": median(wholes), "bound": bound, "cpu": cpu}
        rows.append(row)
    return rows


def footprint(folder, quick):
    """What it weighs, and what it takes at rest: every target as it should be, counts read, metrics scraped."""
    rows = [{"binary_mib": BINARY.stat().st_size / 2**20}]
    stretch = 30 if quick else 150
    for targets in (1, 3000):
        where = schedules(folder / str(targets), targets)
        with endpoint(targets, floor=3) as aws, Controller(BINARY, aws, where) as controller:
            wait_until(controller.is_ready)
            time.sleep(20 if targets > 1 else 5)  # the first survey and counts are over
            before, calls = controller.cpu(), len(aws.calls())
            began = time.monotonic()
            time.sleep(stretch if targets > 1 else stretch / 5)
            took = time.monotonic() - began
            row = {"targets": targets, "cpu_day": (controller.cpu() - before) / took * 86400, "stretch_s": took}
            made = aws.calls()[calls:]
            row |= {"reads": sum(c.operation == READ for c in made), "counts": sum(c.operation == COUNTS for c in made)}
            row |= {"rss_mib": controller.resident_mib()}
            before = controller.cpu()
            sizes = [len(controller.get("/metrics")) for _ in range(20)]
            row |= {"scrape_ms": (controller.cpu() - before) / len(sizes) * 1e3, "scrape_bytes": sizes[-1]}
            row |= {"rss_scraped_mib": controller.resident_mib()}
        rows.append(row)
    return rows


def steady(folder, quick):
    """A pass that finds everything as it should be: calls, wall time between first and last, processor time."""
    from together import good

    rows = []
    for targets in (1, 50, 500, 3000, 10000):
        where = schedules(folder / str(targets), targets)
        took = {"baseload": [], "boto3": []}
        calls = {}
        # In turn, so that both meet the same neighbours.
        for _ in range(2 if quick else 5):
            for name, command in (("baseload", plan(where)), ("boto3", good(3, targets))):
                with endpoint(targets, floor=3) as aws:
                    ended = run(command, aws)
                reads = [call for call in ended.calls if call.operation == READ]
                took[name].append((span(reads), ended.cpu, ended.wall))
                calls[name] = len(reads)
        bound = LATENCY * rounds(-(-targets // 50))
        row = {"targets": targets, "bound": bound}
        for name, measured in took.items():
            wall, cpu, whole = (median(values) for values in zip(*measured))
            row |= {f"{name}_calls": calls[name], f"{name}_wall": wall, f"{name}_cpu": cpu, f"{name}_whole": whole}
        rows.append(row)
    return rows


def plan(where):
    return [BINARY, "plan", "--schedules", where]


def recovery(folder, quick):
    """Killed at a bad moment and started again; and cut off from AWS while a floor changes."""
    targets, rows = 500, []
    bound = LATENCY * rounds(targets, WRITES_IN_FLIGHT)
    where = schedules(folder / "kill", targets)
    times = []
    for _ in range(2 if quick else 5):
        schedules(where, targets, floor=3)
        with endpoint(targets, floor=3) as aws:
            with Controller(BINARY, aws, where) as controller:
                wait_until(controller.is_ready)
                schedules(where, targets, floor=5)
                controller.reload()
                wait_until(lambda: 0 < aws.at_floor(5) < targets, every=0.005)
                controller.kill()  # in the midst of its writes
            left = targets - aws.at_floor(5)
            with Controller(BINARY, aws, where) as again:
                wait_until(lambda: aws.at_floor(5) == targets)
                last = max(call.answered for call in aws.calls(WRITE) if not call.code)
                times.append((last - again.started, LATENCY * rounds(left, WRITES_IN_FLIGHT)))
    rows.append({"what": "kill -9 in a burst of 500", "time": median(t for t, _ in times), "bound": median(b for _, b in times)})
    for outage in (5,) if quick else (5, 30):
        where = schedules(folder / f"outage{outage}", targets, floor=3)
        with endpoint(targets, floor=3) as aws, Controller(BINARY, aws, where) as controller:
            wait_until(controller.is_ready)
            aws.outage(True)
            schedules(where, targets, floor=5)
            controller.reload()
            time.sleep(outage)
            aws.outage(False)
            over = time.time()
            wait_until(lambda: aws.at_floor(5) == targets, every=0.2)
            landed = sorted(call.answered for call in aws.calls(WRITE) if not call.code)
        rows.append({"what": f"AWS down for {outage} s while 500 floors rise", "time": landed[-1] - over, "half": landed[len(landed) // 2] - over, "bound": bound})
    return rows


def evaluate(_folder, _quick):
    """What a decision and a load take, beside schedulers that others wrote."""
    python = ROOT / "target/peers/boto3/bin/python"
    others = json.loads(subprocess.run([python, ROOT / "benches/peers/evaluators.py"], capture_output=True, text=True, check=True).stdout)
    timetable = subprocess.run([bench_binary("timetable")], capture_output=True, text=True, check=True).stdout
    load = subprocess.run([bench_binary("load")], capture_output=True, text=True, check=True).stdout
    rows = [{"what": "Baseload, the floor of one target", "ns": nanoseconds(timetable, "board.decide, one target")}]
    rows += [{"what": f"{name}, whether one window is open", "ns": ns} for name, ns in others.items()]
    for what in ("10,000 targets in one schedule", "1,000 schedules of 10 targets"):
        rows.append({"what": f"load, a target, {what}", "ns": nanoseconds(load, what) / 10_000})
    return rows


def nanoseconds(output, what):
    """The first duration in the line that begins with `what`, as Rust prints it."""
    line = next(line for line in output.splitlines() if line.strip().startswith(what))
    number, unit = re.search(r"([\d.]+)(ns|µs|ms|s)\b", line[len(what):]).groups()
    return float(number) * {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[unit]


def fleet(_folder, _quick):
    """One controller for more than one account may have."""
    output = subprocess.run([bench_binary("fleet"), "json"], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in output.splitlines()]


TABLES = {
    "steady": steady,
    "boundaries": boundaries,
    "real_lateness": real_lateness,
    "start": start,
    "footprint": footprint,
    "recovery": recovery,
    "evaluate": evaluate,
    "fleet": fleet,
}
