"""The simulated ECS that all clients of a measurement are put before, and the processes that are measured."""

import json
import math
import os
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("BASELOAD", ROOT / "target/release/baseload"))
# What the image tells glibc (Dockerfile); nobody else's.
IMAGE = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
PYTHON = ROOT / ".venv/bin/python"  # with what the tests' programs want
SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
LATENCY = 0.020
# So many reads and writes does Baseload have under way at the most.
READS_IN_FLIGHT, WRITES_IN_FLIGHT = 8, 50
READ, WRITE, COUNTS = "DescribeScalableTargets", "RegisterScalableTarget", "DescribeServices"


@dataclass
class Call:
    """One call, as the endpoint saw it; times are seconds since 1970."""

    arrived: float
    answered: float
    operation: str
    code: str
    resource: str
    floor: int | None


class Server:
    """A process that prints where it listens, and ends with its standard input."""

    def __init__(self, *command):
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.told = self.process.stdout.readline().strip()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Tls:
    """TLS before an endpoint, as it is before AWS. What its certificate is held against is the system's bundle, with one
    authority more, as a client of AWS reads it."""

    def __init__(self, upstream):
        self.folder = tempfile.TemporaryDirectory()
        here = Path(self.folder.name)
        self.server = Server(PYTHON, ROOT / "tests/support/tls_front.py", here, upstream.removeprefix("http://"))
        system = Path(ssl.get_default_verify_paths().cafile or SYSTEM_BUNDLE)
        bundle = here / "bundle.pem"
        bundle.write_text(system.read_text() + (here / "authority.pem").read_text())
        self.environment = {
            "AWS_ENDPOINT_URL": f"https://127.0.0.1:{self.server.told}",
            "SSL_CERT_FILE": str(bundle),  # what Baseload reads
            "AWS_CA_BUNDLE": str(bundle),  # what boto3 and all that is made of it read
        }

    def end(self):
        self.server.end()
        self.folder.cleanup()


class Endpoint:
    """One account on loopback, with a latency of 20 ms, half of it each way; plain, or with TLS before it."""

    def __init__(self, binary, services, floor=1, bucket=None, latency=LATENCY, tls=False):
        flags = ["--services", services, "--min", floor, "--latency-us", round(latency * 1e6)]
        flags += ["--bucket", bucket] if bucket else []
        self.server = Server(binary, *flags)
        self.url = self.server.told
        self.tls = Tls(self.url) if tls else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.tls:
            self.tls.end()
        self.server.end()

    def _ask(self, method, path):
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def calls(self, operation=None):
        """Every call so far, or those of one operation."""
        calls = [Call(*json.loads(line)) for line in self._ask("GET", "/calls").splitlines()]
        return [call for call in calls if operation in (None, call.operation)]

    def at_floor(self, floor):
        """How many targets have this floor."""
        return json.loads(self._ask("GET", "/floors")).get(str(floor), 0)

    def outage(self, begins):
        """Begins an outage, or ends it."""
        self._ask("POST", "/down" if begins else "/up")

    def environment(self):
        """For any AWS client: this endpoint, and credentials that it does not look at."""
        kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        return kept | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_EC2_METADATA_DISABLED": "true",
            **(self.tls.environment if self.tls else {}),
        }


@dataclass
class Ended:
    """What a process took."""

    started: float
    wall: float
    cpu: float
    exit: int
    calls: list = field(default_factory=list)


def run(command, endpoint, patience=120):
    """Runs a process to its end, or kills it when patience is over."""
    started, began = time.time(), time.monotonic()
    environment = endpoint.environment() | (IMAGE if command[0] == BINARY else {})
    command = [str(word) for word in command]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    timer = threading.Timer(patience, process.kill)
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    return Ended(started, time.monotonic() - began, cpu, process.returncode, endpoint.calls())


def span(calls):
    """From the first call's arrival to the last one's answer."""
    return max(call.answered for call in calls) - min(call.arrived for call in calls)


def rounds(calls, in_flight=READS_IN_FLIGHT):
    """The fewest round trips that so many calls take."""
    return math.ceil(calls / in_flight)


class Controller:
    """`baseload run` over an endpoint. Killed at its end."""

    def __init__(self, binary, endpoint, schedules, *flags):
        self.address = f"127.0.0.1:{free_port()}"
        command = [str(binary), "run", "--schedules", str(schedules), "--listen", self.address, *flags]
        self.started = time.time()
        self.process = subprocess.Popen(
            command, env=endpoint.environment() | IMAGE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def cpu(self):
        """Seconds of processor time of all its threads, to the nanosecond."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def resident_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=30) as answer:
            return answer.read()

    def is_ready(self):
        try:
            return self.get("/readyz") is not None
        except OSError:
            return False


def free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(what, patience=120, every=0.05):
    """Waits until `what` is true; a bench that waits in vain ends here."""
    until = time.monotonic() + patience
    while not what():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not become true in {patience} s")
        time.sleep(every)


def schedules(folder, targets, floor=3, windows=(), first=0, name="s"):
    """Writes schedules of ten targets each into the folder: this default floor, and these windows in UTC."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = list(range(first, first + targets))
    documents = []
    for at in range(0, targets, 10):
        names = ", ".join(f"{{ cluster: shop, service: s{n:05} }}" for n in numbers[at : at + 10])
        documents.append(
            f"---\napiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: {name}{at} }}\nspec:\n"
            f"  targets: [{names}]\n  timezone: UTC\n  default: {{ min: {floor} }}\n"
        )
        if windows:
            documents.append(f"  windows: [{', '.join(windows)}]\n")
    # Files have a size that is allowed: a thousand documents' worth each.
    for part, start in enumerate(range(0, len(documents), 500)):
        whole = folder / f"{name}{part}.yaml"
        beside = folder / f".{name}{part}"
        beside.write_text("".join(documents[start : start + 500]))
        beside.rename(whole)
    return folder
