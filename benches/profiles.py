"""Watches the image's binary at its work, and writes down what the compiler and the linker are to know of it.

`baseload.profdata` says how often each function and branch ran: the compiler makes fast what runs often, and keeps small
what does not (profile-guided optimization). `layout.ld` names the functions that a controller ran at all: the linker puts
them together, so that the rest is not in memory. A controller starts with 3,000 services, follows edits of all of them, serves
its pages and scrapes, and rests; the profile also has `plan` and `apply` over 500. All of it with TLS, as before AWS.

A profile fits the compiler and the dependencies that it was taken with. What has changed since is compiled without one."""

import argparse
import bisect
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from endpoint import ROOT, Controller, run, schedules, wait_until
from alone import endpoint

PROFILE, LAYOUT = ROOT / "benches/baseload.profdata", ROOT / "benches/layout.ld"
SERVICES = 3000
# A pattern is worth so many bytes of functions that never run.
BYTES_A_PATTERN = 50


def build(**environment):
    """Builds the image's binary, and returns where it is."""
    script = ROOT / "scripts/release-binary.sh"
    told = subprocess.run(script, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE, text=True).stdout
    return ROOT / told.split()[-1]


def commands(binary, folder):
    """`plan` and `apply`, where everything changes and where nothing does."""
    few = schedules(folder / "few", 500, floor=3)
    for floor in (1, 3):
        with endpoint(500, floor=floor, tls=True) as aws:
            for command in ("plan", "apply"):
                ended = run([binary, command, "--schedules", few], aws)
                assert ended.exit == 0, f"{command} ended with {ended.exit}"


def controller(binary, folder, rest):
    """A controller's life, with so many seconds of rest after each change."""
    many = schedules(folder / "many", SERVICES, floor=3)
    with endpoint(SERVICES, floor=3, tls=True) as aws, Controller(binary, aws, many) as running:
        wait_until(running.is_ready, patience=600)
        for floor in (4, 5):
            for file in many.glob("*.yaml"):
                file.write_text(file.read_text().replace(f"min: {floor - 1} ", f"min: {floor} "))
            running.reload()
            time.sleep(rest)
            for path in ("/", "/targets/shop/s00007", "/api/v1/status", "/metrics", "/metrics"):
                running.get(path)
        time.sleep(rest)
        assert aws.at_floor(5) == SERVICES, f"only {aws.at_floor(5)} floors are in force"
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(60)


def rustc(*arguments):
    return subprocess.run(["rustc", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def merger():
    """LLVM's tool for profiles, of the version of the compiler's own LLVM."""
    version = re.search(r"LLVM version: (\d+)", rustc("--version", "--verbose"))[1]
    component = next(Path(rustc("--print", "sysroot")).glob("lib/rustlib/*/bin/llvm-profdata"), None)
    found = component or shutil.which(f"llvm-profdata-{version}")
    if not found:
        sys.exit(f"no llvm-profdata {version}: `rustup component add llvm-tools`, or Debian's llvm-{version}")
    return found


def take_profile():
    merge = merger()  # whoever lacks it is told before the long build, not after it
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        binary = build(BASELOAD_PROFILE_INTO=str(folder / "raw"))
        commands(binary, folder)
        controller(binary, folder, rest=45)
        subprocess.run([merge, "merge", "--sparse", "-o", PROFILE, folder / "raw"], check=True)


def linked():
    """Links the image's binary without a layout, and returns where it is, and its code as (address, size, file, section)."""
    with tempfile.TemporaryDirectory() as folder:
        link_map = Path(folder) / "map"
        binary = build(BASELOAD_LINK_MAP=str(link_map))
        line = re.compile(r"\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+\s+(\S+):\((\.text.*)\)$")
        found = (line.match(text) for text in link_map.read_text().splitlines())
        code = [(int(match[1], 16), int(match[2], 16), match[3], match[4]) for match in found if match]
        return binary, sorted(stretch for stretch in code if stretch[1])


def executed(binary):
    """The addresses of the instructions that a controller executes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile, wrapper = folder / "profile", folder / "wrapper"
        tool = f"valgrind --tool=callgrind --dump-instr=yes --callgrind-out-file={profile}"
        wrapper.write_text(f'#!/bin/sh\nexec {tool} {binary} "$@"\n')
        wrapper.chmod(0o755)
        controller(wrapper, folder, rest=60)
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
    what the compiler numbers are `*`, and so is how often the compiler takes a function to run (`.text.hot.`)."""
    if member := re.fullmatch(r".*/(lib[a-z_]+)[^/(]*\((?:[0-9a-f]+-)?(.*)\)", file):
        # A C library's functions have the names of their sections in common; its object files tell them apart.
        return [f"*{member[1]}*:*{member[2]}(.text", re.sub(r"(?<=aws_lc_)\d+_\d+_\d+", "*", section[len(".text") :])]
    if section == ".text":
        return [f"*{Path(file).name}(.text"]
    name = re.sub(r"^\.text(\.hot|\.unlikely)?(?=\.)|\.\d+$", "", section)
    name = re.sub(r"(?<=C)s[0-9A-Za-z]+_|(?<=B)[0-9A-Za-z]{0,3}_", "*", name)
    return ["*(.text*", *re.findall(r"\d+[A-Za-z_]+|.", name)]


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
        """The cheapest patterns that name everything that runs, and what they cost: the bytes that they name, and some for each."""
        if not self.runs:
            return 0, []
        whole = BYTES_A_PATTERN + self.size, [prefix + "*"]
        below = [child.patterns(prefix + part) for part, child in self.children.items()]
        each = sum(cost for cost, _ in below), [pattern for _, found in below for pattern in found]
        return min(whole, each, key=lambda costed: costed[0]) if below else whole


def write_layout():
    binary, code = linked()
    starts = [start for start, *_ in code]
    running = {bisect.bisect_right(starts, address) - 1 for address in executed(binary)}
    names = Names()
    for number, (_, size, file, section) in enumerate(code):
        names.add(parts(file, section), size, number in running)
    cost, patterns = names.patterns()
    lines = sorted(re.sub(r"[][?{}\\]", "?", re.sub(r"\*+", "*", f"    {pattern})")) for pattern in patterns)
    made = f"/* The functions that a running controller calls. Made by `make profiles` with {rustc('--version')} */\n"
    LAYOUT.write_text(made + "SECTIONS {\n  .text.often : {\n" + "\n".join(lines) + "\n  }\n} INSERT BEFORE .text;\n")
    size = sum(code[number][1] for number in running)
    named = cost - BYTES_A_PATTERN * len(patterns)
    print(f"{len(running)} of {len(code)} functions run, {size:,} bytes; {len(lines)} patterns name {named:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layout-only", action="store_true", help="keep the profile that is there")
    sys.setrecursionlimit(10_000)
    if not parser.parse_args().layout_only:
        take_profile()
    write_layout()
