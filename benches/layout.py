"""Finds out which functions a running controller calls, and writes layout.ld, by which the linker puts them together.

The image's binary is linked with a map and without a layout, and run under callgrind over the simulated ECS: a start, an
edit that every service follows, the page, a scrape, and a minute of rest. What did not run then stays where it was.

Hashes and versions change with every compiler and dependency, so the list does without them, and names whole modules where
that costs little: what it misses is only not gathered."""

import argparse
import bisect
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from endpoint import ROOT, Controller, schedules
from alone import endpoint

SERVICES = 3000
# A pattern is worth so many bytes of functions that never run.
BYTES_A_PATTERN = 200


def linked():
    """Links the image's binary without a layout, and returns where it is, and its code as (address, size, file, section)."""
    with tempfile.TemporaryDirectory() as folder:
        link_map = Path(folder) / "map"
        build, environment = ROOT / "scripts/release-binary.sh", {**os.environ, "BASELOAD_LINK_MAP": str(link_map)}
        told = subprocess.run(build, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
        line = re.compile(r"\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+\s+(\S+):\((\.text.*)\)$")
        found = (line.match(text) for text in link_map.read_text().splitlines())
        code = [(int(match[1], 16), int(match[2], 16), match[3], match[4]) for match in found if match]
        return ROOT / told.split()[-1], sorted(stretch for stretch in code if stretch[1])


def executed(binary):
    """The addresses of the instructions that a controller executes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile, wrapper = folder / "profile", folder / "wrapper"
        tool = f"valgrind --tool=callgrind --dump-instr=yes --callgrind-out-file={profile}"
        wrapper.write_text(f'#!/bin/sh\nexec {tool} {binary} "$@"\n')
        wrapper.chmod(0o755)
        where = schedules(folder / "schedules", SERVICES, floor=3)
        with endpoint(SERVICES, floor=3) as aws, Controller(wrapper, aws, where) as controller:
            while not controller.is_ready():
                time.sleep(1)
            for file in where.glob("*.yaml"):
                file.write_text(file.read_text().replace("min: 3", "min: 4"))
            controller.reload()
            time.sleep(60)
            controller.get("/")
            controller.get("/metrics")
            time.sleep(60)
            controller.process.send_signal(signal.SIGTERM)
            controller.process.wait(60)
        return set(addresses(profile.read_text().splitlines(), str(binary)))


def addresses(profile, binary):
    """The addresses in the binary's own lines of a profile, where most are told as a distance to the one before."""
    names, inside, last = {}, False, 0
    for line in profile:
        if match := re.match(r"c?ob=\((\d+)\)(?: (.*))?", line):
            name = names.setdefault(match[1], match[2])
            inside = name == binary if line.startswith("ob") else inside
        elif match := re.match(r"(0x[0-9a-f]+|[+-]\d+|\*) ", line):
            told = match[1]
            last = int(told, 16) if told.startswith("0x") else last if told == "*" else last + int(told)
            if inside:
                yield last


def parts(file, section):
    """The linker's words for a stretch of code, `FILE(SECTION`, in parts from the whole to the function. Hashes, versions and
    what the compiler numbers are `*`."""
    if member := re.fullmatch(r".*/(lib[a-z_]+)[^/(]*\((?:[0-9a-f]+-)?(.*)\)", file):
        # A C library's functions have the names of their sections in common; its object files tell them apart.
        return [f"*{member[1]}*:*{member[2]}(.text", re.sub(r"(?<=aws_lc_)\d+_\d+_\d+", "*", section[len(".text") :])]
    if section == ".text":
        return [f"*{Path(file).name}(.text"]
    name = re.sub(r"(?<=C)s[0-9A-Za-z]+_|(?<=B)[0-9A-Za-z]{0,3}_", "*", re.sub(r"\.\d+$", "", section))
    return ["*(.text", *re.findall(r"\d+[A-Za-z_]+|.", name[len(".text") :])]


class Names:
    """A tree of names, with the bytes of the functions below each, and of those that run."""

    def __init__(self):
        self.children, self.size, self.runs = {}, 0, False

    def add(self, name, size, runs):
        self.size += size
        self.runs |= runs
        if name:
            self.children.setdefault(name[0], Names()).add(name[1:], size, runs)

    def patterns(self, prefix=""):
        """The cheapest patterns that name everything that runs, and what they cost."""
        if not self.runs:
            return 0, []
        whole = BYTES_A_PATTERN + self.size, [prefix + "*"]
        below = [child.patterns(prefix + part) for part, child in self.children.items()]
        each = sum(cost for cost, _ in below), [pattern for _, found in below for pattern in found]
        return min(whole, each, key=lambda costed: costed[0]) if below else whole


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    binary, code = linked()
    starts = [start for start, *_ in code]
    running = {bisect.bisect_right(starts, address) - 1 for address in executed(binary)}
    names = Names()
    for number, (_, size, file, section) in enumerate(code):
        names.add(parts(file, section), size, number in running)
    _, patterns = names.patterns()
    lines = sorted(re.sub(r"[][?{}\\]", "?", re.sub(r"\*+", "*", f"    {pattern})")) for pattern in patterns)
    text = "/* The functions that a running controller calls. Made by `make layout`. */\nSECTIONS {\n  .text.often : {\n"
    (ROOT / "benches/layout.ld").write_text(text + "\n".join(lines) + "\n  }\n} INSERT BEFORE .text;\n")
    size = sum(code[number][1] for number in running)
    print(f"{len(running)} of {len(code)} functions run, {size:,} bytes; {len(lines)} patterns")


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    main()
