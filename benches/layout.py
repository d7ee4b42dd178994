"""Finds out which functions a running controller calls, and writes layout.ld, by which the linker puts them together.

The binary is linked with a map, and run under callgrind over the simulated ECS: a start, an edit that every service
follows, the page, a scrape, and a minute of rest. What did not run then stays where it was.

Names change with every compiler and dependency, so the list does without hashes, and names whole modules where that costs
little: what it misses is only not gathered."""

import bisect
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from endpoint import ROOT, Controller, schedules
from alone import BINARY, endpoint

SERVICES = 3000
# A pattern is worth so many bytes of functions that never run.
BYTES_A_PATTERN = 500


def linked():
    """Every function of the binary as (address, size, section), which is linked anew for it."""
    with tempfile.TemporaryDirectory() as folder:
        link_map = Path(folder) / "map"
        command = "cargo rustc --release --locked --package baseload --bin baseload --".split()
        subprocess.run([*command, "-C", f"link-arg=-Wl,-Map={link_map}"], cwd=ROOT, check=True)
        line = re.compile(r"\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+\s+\S+:\(\.text\.(.+)\)$")
        found = (line.match(text) for text in link_map.read_text().splitlines())
        return sorted((int(match[1], 16), int(match[2], 16), match[3]) for match in found if match)


def executed():
    """The addresses of the instructions that a controller executes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile, wrapper = folder / "profile", folder / "wrapper"
        tool = f"valgrind --tool=callgrind --dump-instr=yes --callgrind-out-file={profile}"
        wrapper.write_text(f'#!/bin/sh\nexec {tool} {BINARY} "$@"\n')
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
        return set(addresses(profile.read_text().splitlines()))


def addresses(profile):
    """The addresses in the binary's own lines of a profile, where most are told as a distance to the one before."""
    names, inside, last = {}, False, 0
    for line in profile:
        if match := re.match(r"c?ob=\((\d+)\)(?: (.*))?", line):
            name = names.setdefault(match[1], match[2])
            inside = name == str(BINARY) if line.startswith("ob") else inside
        elif match := re.match(r"(0x[0-9a-f]+|[+-]\d+|\*) ", line):
            told = match[1]
            last = int(told, 16) if told.startswith("0x") else last if told == "*" else last + int(told)
            if inside:
                yield last


def parts(section):
    """A section's name in parts, from the crate to the function, without hashes: those become `*`."""
    match = re.fullmatch(r"_ZN(.*)17h[0-9a-f]{16}E", section)
    if not match:
        return re.findall(r"\*|\d+[A-Za-z_]+|.", re.sub(r"(?<=C)s[0-9A-Za-z]*_|17h[0-9a-f]{16}", "*", section))
    found, rest = ["_ZN"], match[1]
    while rest:
        length = re.match(r"\d+", rest)
        end = length.end() + int(length[0])
        found += [part for part in re.split(r"(?<=\.\.)|(?=\$u20\$)|(?=\$LT\$)", rest[:end]) if part]
        rest = rest[end:]
    return [*found, "17h*"]


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
        whole = BYTES_A_PATTERN + self.size, [prefix + "*" if self.children else prefix]
        below = [child.patterns(prefix + part) for part, child in self.children.items()]
        each = sum(cost for cost, _ in below), [pattern for _, found in below for pattern in found]
        return min(whole, each, key=lambda costed: costed[0]) if below else whole


def main():
    functions = linked()
    starts = [start for start, _, _ in functions]
    running = {bisect.bisect_right(starts, address) - 1 for address in executed()}
    names = Names()
    for number, (_, size, section) in enumerate(functions):
        names.add(parts(section), size, number in running)
    _, patterns = names.patterns()
    lines = sorted(re.sub(r"[][?{}\\]", "?", re.sub(r"\*+", "*", f"    *(.text.{pattern})")) for pattern in patterns)
    text = "/* The functions that a running controller calls. Made by `make layout`. */\nSECTIONS {\n  .text.often : {\n"
    (ROOT / "benches/layout.ld").write_text(text + "\n".join(lines) + "\n  }\n} INSERT BEFORE .text;\n")
    size = sum(functions[number][1] for number in running)
    print(f"{len(running)} of {len(functions)} functions run, {size:,} bytes; {len(lines)} patterns")


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    main()
