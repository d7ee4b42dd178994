"""A controller over a simulated ECS, with as many targets as a test wants."""

import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / "target" / "debug" / "baseload"

SCHEDULE = """\
apiVersion: baseload/v1
kind: ScalingSchedule
metadata: {{ name: schedule-{number} }}
spec:
  targets:
{targets}
  timezone: Europe/Brussels
  default: {{ min: {day} }}
  windows:
    - {{ name: night, from: "00:30", to: "09:00", min: 1 }}
    - {{ name: friday, days: [fri], from: "14:00", to: "00:30", min: {peak} }}
"""


def schedules_for(targets, folder):
    """Writes schedules of a hundred targets each, all with a timetable of their own."""
    names = [f"service-{number:04}" for number in range(targets)]
    for number, start in enumerate(range(0, targets, 100)):
        lines = "\n".join(f"    - {{ cluster: shop, service: {name} }}" for name in names[start : start + 100])
        text = SCHEDULE.format(number=number, targets=lines, day=2 + number % 3, peak=6 + number % 5)
        (folder / f"{number:03}.yaml").write_text(text)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Controller:
    """`baseload run --simulate`, ready, until it is closed."""

    def __init__(self, schedules):
        self.url = f"http://127.0.0.1:{free_port()}"
        arguments = ["run", "--simulate", "--schedules", str(schedules), "--listen", self.url.removeprefix("http://")]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([BINARY, *arguments], cwd=ROOT, stdout=self.log, stderr=self.log)
        try:
            self.wait_until_ready()
        except BaseException:
            self.close()
            raise

    def wait_until_ready(self):
        for _ in range(600):
            if self.process.poll() is not None:
                self.log.seek(0)
                raise RuntimeError(self.log.read().decode())
            try:
                urllib.request.urlopen(self.url + "/readyz", timeout=10).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise RuntimeError("the controller is not ready after two minutes")

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
