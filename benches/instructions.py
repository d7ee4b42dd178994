"""Counts the instructions of what must not creep, by callgrind, and holds them against those of benches/instructions.json.

    instructions.py [--release] [--update]

A count does not depend on how busy a machine is, so a CI can compare it. What takes more than 5 % more than is on record
fails; what takes less asks to be recorded. Wants valgrind, and builds the bench it counts: in the tests' own profile, for
which all dependencies are built already, unless told otherwise.
"""

import argparse
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "benches/instructions.json"
TOLERANCE = 0.05
# What another compiler makes of the same code may differ by more than that.
TOLERANCE_OF_ANOTHER_COMPILER = 0.20

# Each workload, how often it is done, and how many things it does each time.
WORKLOADS = {
    "load": (1, 1_000, "a target, checked and loaded"),
    "decide": (20, 3_000, "a target's floor, decided"),
    "tick": (100, 3_000, "a settled target, in a tick"),
    "status": (2, 3_000, "a target, in a snapshot"),
    "edit": (2, 3_000, "a target, when a new revision is taken over"),
    "burst": (1, 3_000, "a write in a burst of 3,000, the simulated ECS included"),
    "steady": (1, 1, "a search for the next change of a floor that has none"),
    "pass": (2, 3_000, "a target, in a steady pass, the simulated ECS included"),
}


def build(profile):
    flags = ["--release"] if profile == "release" else []
    command = ["cargo", "build", "--workspace", "--locked", "--bench", "instructions", "--message-format", "json", *flags]
    messages = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    built = [json.loads(line) for line in messages if '"name":"instructions"' in line]
    return next(message["executable"] for message in reversed(built) if message.get("executable"))


def count(binary, workload, times):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", binary, workload, str(times)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return int(re.search(r"Collected\s*:\s*(\d+)", told).group(1))


def each(binary, workload):
    """The instructions of one thing: those with the work, less those of preparing it."""
    times, things, _ = WORKLOADS[workload]
    return round((count(binary, workload, times) - count(binary, workload, 0)) / times / things, 1)


def compare(counts, record, compiler):
    """What is wrong, in words."""
    tolerance = TOLERANCE if record["rustc"] == compiler else TOLERANCE_OF_ANOTHER_COMPILER
    found = []
    for workload, (_, _, what) in WORKLOADS.items():
        now, before = counts[workload], record["counts"].get(workload)
        ratio = now / before if before else float("inf")
        print(f"{workload:<8} {now:>12,.1f}  {ratio:5.3f} x the record  {what}")
        if ratio > 1 + tolerance:
            found.append(f"{workload} takes {ratio:.2f} times the instructions on record")
        elif ratio < 1 - tolerance:
            print(f"         less than on record: keep it with {Path(__file__).name} --update")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", action="store_true", help="count what is shipped, which takes a release build")
    parser.add_argument("--update", action="store_true", help="record these counts")
    arguments = parser.parse_args()
    profile = "release" if arguments.release else "dev"
    binary = build(profile)
    compiler = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    with ThreadPoolExecutor(2) as pool:
        counts = dict(zip(WORKLOADS, pool.map(lambda workload: each(binary, workload), WORKLOADS)))
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    if arguments.update or profile not in record:
        if not arguments.update:
            sys.exit(f"there is no record for the {profile} profile: make one with --update")
        record[profile] = {"rustc": compiler, "counts": counts}
        RECORD.write_text(json.dumps(record, indent=2) + "\n")
        print(json.dumps(record[profile], indent=2))
        return
    found = compare(counts, record[profile], compiler)
    if found:
        sys.exit("\n".join([*found, "either mend it, or record it with --update and say why in the commit"]))


if __name__ == "__main__":
    main()
