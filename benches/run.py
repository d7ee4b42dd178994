"""Measures Baseload beside its bounds and its peers, and writes the tables and plots of docs/performance.md.

`make bench-peers` prepares all that this wants, and runs it. `--quick` takes a first look in a few minutes; `--only` takes
names of tables; results are kept in target/bench/results.json, where a later run with `--only` adds to them.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

import alone
import report
import together
from endpoint import ROOT

RESULTS = ROOT / "target/bench/results.json"


def machine():
    """What the numbers were measured on, and how busy it was."""
    model = next((line for line in open("/proc/cpuinfo") if line.startswith("model name")), "model name: unknown")
    memory = next(line for line in open("/proc/meminfo") if line.startswith("MemTotal:"))
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {
        "processor": model.split(":", 1)[1].strip(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory.split()[1]) / 2**20, 1),
        "kernel": platform.release(),
        "commit": commit.stdout.strip(),
        "rustc": subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip(),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def main():
    tables = {**alone.TABLES, **together.TABLES}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, shorter stretches")
    parser.add_argument("--only", nargs="+", choices=list(tables), help="only these tables")
    parser.add_argument("--report", action="store_true", help="write docs/performance.md from these results")
    arguments = parser.parse_args()
    folder = ROOT / "target/bench"
    shutil.rmtree(folder / "work", ignore_errors=True)
    (folder / "work").mkdir(parents=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in arguments.only or tables:
        began = time.monotonic()
        print(f"==> {name}", file=sys.stderr, flush=True)
        before = os.getloadavg()[0]
        measured = tables[name](folder / "work" / name, arguments.quick)
        took = round(time.monotonic() - began)
        here = machine()
        of_the_day = {"load": round(max(before, os.getloadavg()[0]), 1), "commit": here.pop("commit"), "date": here.pop("date")}
        results[name] = {"rows": measured, "took_s": took, **of_the_day}
        results["machine"] = here
        RESULTS.write_text(json.dumps(results, indent=1))
        print("\n".join(report.table(name, results)), flush=True)
        print(f"({took} s)\n", file=sys.stderr, flush=True)
    if arguments.report:
        report.write(results)


if __name__ == "__main__":
    main()
