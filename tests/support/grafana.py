"""Reads dashboards with Grafana's own schema, and fails where it knows a field otherwise or not at all.

usage: grafana.py FILE…
"""

import json
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

# Options of Prometheus annotations: Grafana's schema leaves them to the data source.
LEFT_TO_DATA_SOURCE = {"step", "useValueForTime", "titleFormat", "textFormat", "tagKeys"}


def lost(before, after, path):
    """The paths at which `after` lacks what `before` has, or has it otherwise."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            is_annotation = path.startswith("$.annotations.list[")
            if key in after:
                yield from lost(value, after[key], f"{path}.{key}")
            elif not (is_annotation and key in LEFT_TO_DATA_SOURCE):
                yield f"{path}.{key}"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after)):
            yield from lost(one, other, f"{path}[{place}]")
    elif before != after:
        yield path


def main():
    register_default_plugins()
    faults = []
    for file in sys.argv[1:]:
        with open(file, encoding="utf-8") as opened:
            written = json.load(opened)
        read = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(written)))
        faults += [f"{file}: {path}" for path in lost(written, read, "$")]
    if faults:
        sys.exit("Grafana's schema does not know these fields, or knows them otherwise:\n" + "\n".join(faults))


if __name__ == "__main__":
    main()
