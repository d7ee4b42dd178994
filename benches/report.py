"""Turns results into the tables and plots of docs/performance.md: what stands there between two markers is written anew."""

import json
import re
import sys

import plots
from endpoint import ROOT

PAGE = ROOT / "docs/performance.md"
PICTURES = ROOT / "docs/pictures"


def grid(head, rows):
    """A table in Markdown; numbers stand to the right."""
    right = ["---:" if index else "---" for index in range(len(head))]
    return ["| " + " | ".join(line) + " |" for line in [head, right, *rows]]


def number(value, digits=2):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.{digits}f}"


def ms(seconds):
    return f"{seconds * 1e3:,.0f} ms" if seconds < 10 else f"{seconds:.0f} s"


def steady(rows):
    head = ["targets", "calls", "bound", "Baseload", "of its bound", "boto3", "of its bound", "CPU", "boto3's CPU", "ratio"]
    return grid(head, [[
        f"{row['targets']:,}", f"{row['baseload_calls']:,}", ms(row["bound"]),
        ms(row["baseload_wall"]), f"{row['baseload_wall'] / row['bound']:.2f}×",
        ms(row["boto3_wall"]), f"{row['boto3_wall'] / row['bound']:.2f}×",
        ms(row["baseload_cpu"]), ms(row["boto3_cpu"]), f"{row['boto3_cpu'] / row['baseload_cpu']:.1f}×",
    ] for row in rows])


def race(rows):
    lines = []
    for what in dict.fromkeys(row["what"] for row in rows):
        ours = next(row for row in rows if row["what"] == what)
        head = [what, "calls", "wall", "×", "CPU", "×"]
        lines += grid(head, [[
            row["who"] + (" ¹" if row["measured"] < 500 else ""), f"{row['calls']:,}",
            f"{row['wall']:.2f} s", f"{row['wall'] / ours['wall']:.1f}",
            f"{row['cpu']:.2f} s", f"{row['cpu'] / ours['cpu']:.1f}",
        ] for row in rows if row["what"] == what]) + [""]
    return [*lines, f"¹ measured over {min(row['measured'] for row in rows)} services, and multiplied."]


def bursts(rows):
    head = ["K", "bucket", "landed", "the last after", "bound", "of its bound", "throttles"]
    return grid(head, [[
        f"{row['burst']:,}", row["bucket"], f"{row['landed']:,}", f"{row['last']:.2f} s", f"{row['bound'] + 1:.2f} s",
        f"{row['last'] / (row['bound'] + 1):.2f}×", str(row["throttles"]),
    ] for row in rows if "burst" in row])


def lateness(virtual, real):
    head = ["boundaries", "at once", "p50", "p99", "the last"]
    lines = [[f"{row['n']:,} in virtual time, bucket {row['bucket']}", str(row["lateness"]), ms(row["p50"]), ms(row["p99"]), ms(row["max"])] for row in virtual if "lateness" in row]
    lines += [[f"{row['n']} in real time, the binary over a wire", str(row["at_once"]), ms(row["p50"]), ms(row["p99"]), ms(row["max"])] for row in real]
    return grid(head, lines)


def burst(rows):
    head = ["K against 50/5", "landed", "the last after", "of the bound for all", "throttles", "CPU"]
    return grid(head, [[
        f"{row['targets']}: {row['who']}", f"{row['landed']} of {row['targets']}", f"{row['last']:.1f} s",
        f"{row['last'] / (row['bound_all'] + 1):.2f}×" if row["landed"] == row["targets"] else "gave up",
        str(row["throttles"]), f"{row['cpu']:.2f} s",
    ] for row in rows])


def start(rows):
    head = ["targets", "to the first call", "to the first pass", "of which round trips", "beside round trips", "CPU of a whole `plan`"]
    return grid(head, [[f"{r['targets']:,}", ms(r["first_call"]), ms(r["pass"]), ms(r["bound"]), ms(r["pass"] - r["bound"]), ms(r["cpu"])] for r in rows])


def footprint(rows):
    size, *fleets = rows
    lines = [["the binary, with every source in it", f"{size['binary_mib']:.1f} MiB", "18 MiB"]]
    for row in fleets:
        many = f"{row['targets']:,} target" + "s" * (row["targets"] > 1)
        big = row["targets"] == 3000
        lines += [
            [f"resident, {many}", f"{row['rss_mib']:.1f} MiB", "16 MiB" if big else ""],
            [f"resident after 20 scrapes, {many}", f"{row['rss_scraped_mib']:.1f} MiB", ""],
            [f"CPU-seconds a day at rest, {many}", number(row["cpu_day"], 0), "300" if big else ""],
            [f"calls in {row['stretch_s']:.0f} s of that, {many}", f"{row['reads']} of targets, {row['counts']} of services", ""],
            [f"CPU of a scrape, {many} ({row['scrape_bytes'] / 1e3:,.0f} kB)", f"{row['scrape_ms']:.1f} ms", ""],
        ]
    return grid(["", "measured", "at most"], lines)


def recovery(rows):
    head = ["", "until all floors are right", "bound", "half of them"]
    return grid(head, [[r["what"], ms(r["time"]), ms(r["bound"]), ms(r["half"]) if "half" in r else ""] for r in rows])


def evaluate(rows):
    ours = rows[0]["ns"]
    head = ["", "each", "×"]
    unit = lambda ns: f"{ns:.1f} ns" if ns < 1e3 else f"{ns / 1e3:.1f} µs"
    return grid(head, [[r["what"], unit(r["ns"]), "" if r["what"].startswith("load") else f"{r['ns'] / ours:,.0f}"] for r in rows])


def fleet(rows):
    head = ["targets", "accounts", "load", "calls a pass", "CPU of a pass", "of a tick", "of a snapshot", "memory"]
    return grid(head, [[
        f"{r['targets']:,}", str(r["accounts"]), ms(r["load_s"]), f"{r['reads']:,}", ms(r["pass_s"]),
        f"{r['tick_s'] * 1e3:.2f} ms", ms(r["status_s"]), f"{r['mib']:.0f} MiB",
    ] for r in rows])


def machine(results):
    here = results["machine"]
    measured = {}
    for name, part in results.items():
        if name != "machine":
            measured.setdefault(part["commit"], []).append((part["date"], f"{name} {part['load']}"))
    commits = sorted((max(tables)[0], commit, ", ".join(table for _, table in tables)) for commit, tables in measured.items())
    return [
        f"{here['processor']}, {here['cores']} cores, {here['memory_gib']} GiB, Linux {here['kernel']}, {here['rustc']}.",
        f"The load average around each table, on {here['cores']} cores:",
        "; ".join(f"at commit `{commit}`, {date}: {tables}" for date, commit, tables in commits) + ".",
    ]


def instructions():
    from instructions import RECORD, WORKLOADS

    record = json.loads(RECORD.read_text())
    profiles = [profile for profile in ("release", "dev") if profile in record]
    head = ["instructions for", *({"release": "as shipped", "dev": "as counted in CI"}[profile] for profile in profiles)]
    return grid(head, [[what, *(f"{record[p]['counts'][name]:,.0f}" for p in profiles)] for name, (_, _, what) in WORKLOADS.items()])


def table(name, results):
    """The lines of one table; two of them are printed together."""
    rows = lambda part: results.get(part, {}).get("rows", [])
    drawn = {
        "steady": lambda: steady(rows("steady")),
        "race": lambda: race(rows("race")),
        "boundaries": lambda: bursts(rows("boundaries")),
        "real_lateness": lambda: lateness(rows("boundaries"), rows("real_lateness")),
        "burst": lambda: burst(rows("burst")),
        "start": lambda: start(rows("start")),
        "footprint": lambda: footprint(rows("footprint")),
        "recovery": lambda: recovery(rows("recovery")),
        "evaluate": lambda: evaluate(rows("evaluate")),
        "fleet": lambda: fleet(rows("fleet")),
        "machine": lambda: machine(results),
        "instructions": instructions,
    }
    return drawn[name]()


def write(results):
    """Fills the page's tables with the results, and draws its plots."""

    def fill(match):
        name = match.group(1)
        if name not in ("instructions", "machine") and name not in results:
            print(f"no results for {name}: its table stays as it is", file=sys.stderr)
            return match.group(0)
        lines = "\n".join(table(name, results)).strip()
        return f"<!-- table: {name} -->\n{lines}\n<!-- end -->"

    PAGE.write_text(re.sub(r"<!-- table: (\w+) -->\n.*?<!-- end -->", fill, PAGE.read_text(), flags=re.S))
    if "steady" in results:
        rows = results["steady"]["rows"]
        series = [(who, [(r["targets"], r[f"{key}_cpu"]) for r in rows]) for who, key in (("Baseload", "baseload"), ("boto3", "boto3"))]
        plots.lines(PICTURES / "performance-steady.svg", "CPU of a steady pass", "targets", "seconds", series, logarithmic=True)
    if "burst" in results:
        most = max(row["targets"] for row in results["burst"]["rows"])
        rows = [row for row in results["burst"]["rows"] if row["targets"] == most]
        series = [(r["who"], [(0, 0)] + [(at, n + 1) for n, at in enumerate(r["curve"])]) for r in rows]
        title = f"{most} floors against a bucket of 50 with 5 a second"
        plots.lines(PICTURES / "performance-burst.svg", title, "seconds", "floors landed", series)
    if "race" in results:
        rows = [row for row in results["race"]["rows"] if row["what"] == "all 500 change, TLS"]
        bars = [(row["who"], row["cpu"]) for row in rows]
        plots.bars(PICTURES / "performance-race.svg", "CPU-seconds for 500 floors over TLS (logarithmic)", bars)


if __name__ == "__main__":
    from run import RESULTS

    write(json.loads(RESULTS.read_text()))
