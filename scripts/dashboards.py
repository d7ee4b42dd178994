#!/usr/bin/env python3
"""Writes the Grafana dashboards in charts/baseload/dashboards/, for Grafana 11 and later.

usage: scripts/dashboards.py [FOLDER]

The dashboards are data, so they are made from data: edit the questions below and run this. A test holds the files equal
to what it writes, reads them with Grafana's own schema, and puts every query to a Prometheus.
"""

import json
import pathlib
import sys

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
TASKS = "suffix: tasks"
TARGETS = "suffix: targets"
RED_FROM_ONE = [(None, "green"), (1, "red")]
ORANGE_FROM_ONE = [(None, "green"), (1, "orange")]
WIDTH = 24


def query(expr, legend="", instant=False, table=False):
    """One query of a panel; its letter is given later."""
    return {
        "datasource": DATASOURCE,
        "expr": expr,
        "legendFormat": legend,
        "instant": instant or table,
        "range": not (instant or table),
        "format": "table" if table else "time_series",
        "editorMode": "code",
    }


def panel(kind, title, description, unit, queries, size, options, **field):
    """A panel that asks `title`. `size` is its width and height on a grid of 24 columns."""
    steps = field.pop("steps", [(None, "green")])
    defaults = {
        "unit": unit,
        "color": {"mode": field.pop("colour", "palette-classic")},
        "thresholds": {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]},
        "mappings": field.pop("mappings", []),
    }
    for name in ("custom", "min", "decimals", "noValue"):
        if name in field:
            defaults[name] = field.pop(name)
    targets = [{"refId": chr(ord("A") + place)} | one for place, one in enumerate(queries)]
    made = {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": targets,
        "gridPos": {"w": size[0], "h": size[1], "x": 0, "y": 0},
        "options": options,
        "fieldConfig": {"defaults": defaults, "overrides": field.pop("overrides", [])},
    }
    return made | field


def stat(title, description, unit, queries, width=4, text="auto", **field):
    """One number, or a few."""
    options = {
        "graphMode": "none",
        "colorMode": "value",
        "justifyMode": "auto",
        "textMode": text,
        "wideLayout": True,
        "showPercentChange": False,
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "values": False},
    }
    return panel("stat", title, description, unit, queries, (width, 4), options, colour="thresholds", **field)


def series(title, description, unit, queries, width=12, height=8, **field):
    """Lines over time."""
    options = {
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    custom = {"drawStyle": "line", "lineInterpolation": "stepAfter", "lineWidth": 2, "fillOpacity": 0, "showPoints": "never"}
    return panel("timeseries", title, description, unit, queries, (width, height), options, custom=custom, **field)


def table(title, description, unit, queries, columns, sort, descending=True, width=12, height=10, overrides=()):
    """Instant queries side by side, one row for each target. `columns` names them in their order."""
    letters = [chr(ord("A") + place) for place in range(len(queries))]
    names = {f"Value #{letter}": name for letter, name in zip(letters, columns)}
    order = {name: place for place, name in enumerate(["account", "region", "cluster", "service", *names])}
    options = {
        "frameIndex": 0,
        "showHeader": True,
        "showTypeIcons": False,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "countRows": False},
        "sortBy": [{"displayName": sort, "desc": descending}],
    }
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}
    return panel(
        "table", title, description, unit, queries, (width, height), options,
        transformations=[{"id": "merge", "options": {}}, {"id": "organize", "options": organize}],
        overrides=list(overrides),
    )


def column(name, **properties):
    """How a column of a table differs from the others."""
    named = [{"id": identity, "value": value} for identity, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": named}


def row(title):
    """A heading."""
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": WIDTH, "h": 1, "x": 0, "y": 0}}


def laid_out(panels):
    """The panels from left to right and from top to bottom, each with an id."""
    x = y = height = 0
    for number, one in enumerate(panels, start=1):
        place = one["gridPos"]
        if x + place["w"] > WIDTH:
            x, y, height = 0, y + height, 0
        place["x"], place["y"], one["id"] = x, y, number
        x, height = x + place["w"], max(height, place["h"])
    return panels


def datasource_variable():
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}, "hide": 0,
            "description": "The Prometheus that scrapes Baseload.", "refresh": 1, "regex": "", "options": [],
            "multi": False, "includeAll": False, "skipUrlSync": False, "allowCustomValue": True}


def label_variable(name, metric, description, everything):
    """The values of a label; with `everything` several or all may be chosen."""
    found = f"label_values({metric}, {name})"
    made = {"name": name, "label": name.capitalize(), "type": "query", "datasource": DATASOURCE, "description": description,
            "query": {"query": found, "refId": f"variable-{name}"}, "refresh": 2, "sort": 1, "hide": 0, "regex": "", "options": [],
            "multi": everything, "includeAll": everything, "skipUrlSync": False, "allowCustomValue": True}
    if everything:
        made |= {"allValue": ".*", "current": {"text": "All", "value": "$__all"}}
    return made


def place_variable(name, metric, description):
    """One account or region. What is at home, in the controller's own, has no such label: it is shown as "home", and asked
    for as a label that is empty."""
    found = f"group by ({name}) ({metric})"
    for label, pattern, value in (("shown", "(.+)", "$1"), ("asked", "(.+)", "$1"), ("shown", "", "home"), ("asked", "", "^$$")):
        found = f'label_replace({found}, "{label}", "{value}", "{name}", "{pattern}")'
    made = label_variable(name, metric, description, False)
    return made | {"query": {"query": f"query_result({found})", "refId": f"variable-{name}"},
                   "regex": '/asked="(?<value>[^"]*)".*shown="(?<text>[^"]*)"/'}


def dashboard(uid, title, description, variables, annotations, panels, other):
    """A whole dashboard; `other` links to the other one, as (title, uid)."""
    link = {"title": other[0], "type": "link", "icon": "dashboard", "tooltip": "", "url": f"/d/{other[1]}", "tags": [],
            "asDropdown": False, "targetBlank": False, "includeVars": True, "keepTime": True}
    return {
        "uid": uid, "title": title, "description": description, "tags": ["baseload"], "timezone": "browser",
        "editable": True, "graphTooltip": 1, "schemaVersion": 39, "version": 1, "refresh": "30s", "fiscalYearStartMonth": 0,
        "time": {"from": "now-24h", "to": "now"}, "timepicker": {},
        "links": [link], "annotations": {"list": annotations}, "templating": {"list": variables},
        "panels": laid_out(panels),
    }


def each(metric, selector):
    """A metric of targets, once for each of them however many replicas there are."""
    return f"max by (account, region, cluster, service) ({metric}{{{selector}}})"


def quantile(of, metric, over="$__rate_interval", by="le"):
    return f"histogram_quantile({of}, sum by ({by}) (rate({metric}_bucket[{over}])))"


YES_NO = [{"type": "value", "options": {"0": {"text": "no", "color": "red", "index": 0}, "1": {"text": "yes", "color": "green", "index": 1}}}]
NO_YES = [{"type": "value", "options": {"0": {"text": "no", "color": "green", "index": 0}, "1": {"text": "yes", "color": "red", "index": 1}}}]


def with_condition(condition, status):
    return f'max(baseload_targets_by_condition{{condition="{condition}",status="{status}"}})'


def fleet():
    here = 'account=~"$account",region=~"$region",cluster=~"$cluster"'
    saved = "baseload_fleet_flat_floor_task_seconds_total[{0}]) - {1}(baseload_fleet_running_task_seconds_total[{0}]"
    age_of_look = "max(baseload_heartbeat_timestamp_seconds - baseload_fleet_oldest_observation_timestamp_seconds)"
    panels = [
        row("Right now, over all clusters"),
        stat("Is every floor in AWS?", "Targets whose MinCapacity or MaxCapacity is not as declared. 0 is well.", TARGETS,
             [query(with_condition("Synced", "False"), "out of sync", True)], steps=RED_FROM_ONE),
        stat("Are the floors held?", "Tasks by which desired counts are below their floors. 0 is well.", TASKS,
             [query("max(baseload_fleet_desired_shortfall)", "below the floors", True)], steps=RED_FROM_ONE),
        stat("Did the tasks come?", "Tasks by which running counts are below their floors; some minutes after a rise are normal.", TASKS,
             [query("max(baseload_fleet_running_shortfall)", "not running", True)], steps=RED_FROM_ONE),
        stat("Who fights us, who has paused us?", "Targets that someone else keeps changing, that have ScheduledScalingSuspended set, or "
             "whose max is below their floor.", TARGETS,
             [query(with_condition(kind, "True"), kind.lower(), True) for kind in ("Contested", "Paused", "Limited")],
             width=8, steps=ORANGE_FROM_ONE),
        stat("When does the next floor change?", "The earliest change of any target's floor.", "dateTimeFromNow",
             [query("min(baseload_fleet_next_change_timestamp_seconds) * 1000", "next change", True)]),
        stat("Which revision is in force?", "The digest of the schedules, for each source. Two names for one source: replicas disagree.", "none",
             [query("max by (source, revision) (baseload_config_info)", "{{revision}}", True)], width=8, text="name"),
        stat("Is the newest configuration in force?", "Whether the last attempt to load the schedules succeeded.", "bool_yes_no",
             [query("min(baseload_config_last_reload_successful)", "", True)], mappings=YES_NO),
        stat("Is a revision held?", "Whether a new revision takes away so much that it waits for an acknowledgement.", "bool_yes_no",
             [query("max(baseload_config_held)", "", True)], mappings=NO_YES),
        stat("How much was saved?", "Task-hours in this range that flat floors at the week's highest would have taken beyond what ran.",
             "suffix: task-hours", [query(f"sum(increase({saved.format('$__range', 'increase')})) / 3600", "saved", True)],
             decimals=1),
        stat("How many targets are there?", "Targets that the schedules name, or that a glob has found.", TARGETS,
             [query("max(baseload_targets)", "targets", True)]),

        row("All floors at a glance"),
        table("Which services are worst off?", "Every target, the largest shortfall of running tasks first.", TASKS,
              [query(each(f"baseload_{name}", here), table=True)
               for name in ("running_shortfall", "floor", "min_capacity", "desired_count", "running_count", "max_capacity")],
              ["missing", "floor", "min", "desired", "running", "max"], "missing", width=14,
              overrides=[column("missing", thresholds={"mode": "absolute", "steps": [
                  {"value": None, "color": "green"}, {"value": 1, "color": "red"}]},
                  **{"custom.cellOptions": {"type": "color-text"}, "color": {"mode": "thresholds"}})]),
        table("What changes next?", "The coming change of each target, the earliest first.", TASKS,
              [query(each("baseload_next_change_timestamp_seconds", here) + " * 1000", table=True),
               query(each("baseload_floor", here), table=True), query(each("baseload_next_floor", here), table=True)],
              ["when", "floor now", "floor then"], "when", descending=False, width=10,
              overrides=[column("when", unit="dateTimeFromNow")]),
        series("How do the floors move?", "The floor of each target.", TASKS,
               [query(each("baseload_floor", here), "{{account}} {{region}} {{cluster}}/{{service}}")], width=24),

        row("On time?"),
        series("How late did AWS accept floors?", "From the instant at which a floor began to hold to its acceptance by AWS. Empty while "
               "nothing changed.", "s",
               [query(quantile(of, "baseload_boundary_lateness_seconds"), name) for of, name in ((0.5, "half"), (0.99, "99 %"))], min=0),
        series("How long did the tasks take to come?", "From the acceptance of a raised floor to as many tasks running.", "s",
               [query(quantile(of, "baseload_time_to_ready_seconds"), name) for of, name in ((0.5, "half"), (0.95, "95 %"))], min=0),

        row("What do we save?"),
        series("How many tasks do the schedules save?", "Tasks that flat floors at the week's highest would run, less those that do.", TASKS,
               [query(f"sum(rate({saved.format('$__rate_interval', 'rate')}))", "saved")]),
        series("What would flat floors run, what is declared, what runs?", "Task-seconds a second, which is tasks.", TASKS,
               [query(f"sum(rate(baseload_fleet_{name}_task_seconds_total[$__rate_interval]))", legend)
                for name, legend in (("flat_floor", "flat"), ("declared", "declared"), ("running", "ran"))]),

        row("Who changes what?"),
        series("What does the controller write, and why?", "Accepted writes: scheduled ones, corrections of someone else's change, and nudges "
               "that change nothing and make AWS lift desired.", "short",
               [query("sum by (kind, direction) (increase(baseload_writes_total[$__rate_interval]))", "{{kind}} {{direction}}")]),
        table("Which services are corrected most?", "Corrections of each target within this range: someone else changes it.", "short",
              [query(f"topk(20, max by (account, region, cluster, service) (increase(baseload_corrections_total{{{here}}}[$__range])))", table=True)],
              ["corrections"], "corrections", height=8),

        row("Is the controller well?"),
        series("How do calls to AWS end?", "Calls a second by outcome. Throttled, denied and credentials want a look.", "reqps",
               [query("sum by (account, region, outcome) (rate(baseload_aws_calls_total[$__rate_interval]))",
                      "{{account}} {{region}} {{outcome}}")]),
        series("How fast does AWS answer?", "The slowest hundredth of the calls, by operation.", "s",
               [query(quantile(0.99, "baseload_aws_call_duration_seconds", by="le, account, region, operation"),
                      "{{account}} {{region}} {{operation}}")], min=0),
        series("Does the loop turn, and does it see?", "The age of the last evaluation of the schedules, and of the oldest look at a target, "
               "beside the interval at which targets are looked at.", "s",
               [query("max(time() - baseload_heartbeat_timestamp_seconds)", "last evaluation"), query(age_of_look, "oldest look"),
                query("max(baseload_resync_interval_seconds)", "resync")], width=8),
        series("Is the loop fast enough?", "The slowest hundredth: how late ticks come after their second, and how long a turn takes.", "s",
               [query(quantile(0.99, "baseload_tick_lateness_seconds"), "tick late by"),
                query(quantile(0.99, "baseload_loop_duration_seconds"), "turn takes")], width=8, min=0),
        series("Do writes wait?", "Writes that are due and have not left, and those under way. They wait where AWS throttles; "
               "baseload_write_rate_limit then says what it lets through.", "short",
               [query("max by (account, region) (baseload_writes_waiting)", "{{account}} {{region}} waiting"),
                query("max by (account, region) (baseload_writes_in_flight)", "{{account}} {{region}} under way")], width=8),
        series("Is the clock right?", "How far the controller's clock is ahead of AWS's. From 120 s on nothing is lowered.", "s",
               [query("baseload_clock_skew_seconds", "{{instance}}")], width=10, height=6),
        series("How much memory and processor does it take?", "Of the controller's process.", "bytes",
               [query("process_resident_memory_bytes and on (job, instance) baseload_build_info", "memory {{instance}}"),
                query("rate(process_cpu_seconds_total[$__rate_interval]) and on (job, instance) baseload_build_info", "processor {{instance}}")],
               width=10, height=6,
               overrides=[{"matcher": {"id": "byRegexp", "options": "processor.*"},
                           "properties": [{"id": "unit", "value": "percentunit"}, {"id": "custom.axisPlacement", "value": "right"}]}]),
        stat("Is there a replica that writes?", "Replicas that may write. Without one, floors stay as they are.", "suffix: replicas",
             [query("sum(baseload_leader)", "may write", True)], steps=[(None, "red"), (1, "green")],
             gridPos={"w": 4, "h": 6, "x": 0, "y": 0}),
    ]
    variables = [
        datasource_variable(),
        label_variable("account", "baseload_floor", "The accounts whose targets are shown; the controller's own is among All.", True),
        label_variable("region", "baseload_floor", "The regions whose targets are shown; the controller's own is among All.", True),
        label_variable("cluster", "baseload_floor", "The clusters whose targets are shown.", True),
    ]
    return dashboard("baseload-fleet", "Baseload: fleet", "Is every floor right, was it on time, what changes next, what is saved.",
                     variables, [], panels, ("One service", "baseload-service"))


def service():
    here = 'account=~"$account",region=~"$region",cluster="$cluster",service="$service"'
    lateness, ready = "baseload_boundary_lateness_seconds", "baseload_time_to_ready_seconds"
    moving = [("floor", "floor"), ("min_capacity", "min"), ("desired_count", "desired"), ("running_count", "running"), ("max_capacity", "max")]

    def share(name):
        rate = "max(rate(baseload_floor_{0}_seconds_total{{{1}}}[$__rate_interval]))"
        binding, exceeded = rate.format("binding", here), rate.format("exceeded", here)
        return f"{rate.format(name, here)} / ({binding} + {exceeded})"

    panels = [
        stat("What is the floor now?", "The minimum that the schedules declare now.", TASKS, [query(f"max(baseload_floor{{{here}}})", "floor", True)]),
        stat("What has AWS been told?", "MinCapacity of the scalable target, as last seen.", TASKS,
             [query(f"max(baseload_min_capacity{{{here}}})", "min", True)]),
        stat("How many tasks run?", "Running tasks of the service, as last seen.", TASKS,
             [query(f"max(baseload_running_count{{{here}}})", "running", True)]),
        stat("How many are missing?", "Tasks by which running is below the floor.", TASKS,
             [query(f"max(baseload_running_shortfall{{{here}}})", "missing", True)], steps=RED_FROM_ONE),
        stat("When does the floor change?", "The next change of what the schedules declare.", "dateTimeFromNow",
             [query(f"max(baseload_next_change_timestamp_seconds{{{here}}}) * 1000", "next change", True)]),
        stat("What will it be?", "The floor from the next change on.", TASKS, [query(f"max(baseload_next_floor{{{here}}})", "then", True)]),

        series("Do the tasks follow the timetable?", "Floor, min, desired, running and max. Dashed lines mark the boundaries of the timetable. "
               "Floor and min should be one line, desired never below them, running soon after.", TASKS,
               [query(f"max(baseload_{name}{{{here}}})", legend) for name, legend in moving], width=24, height=12, min=0),
        panel("state-timeline", "Which conditions hold, and since when?",
              "1 where the condition is True. Synced, Held, Ready, Registered and PolicyAttached should be; the others should not.", "short",
              [query(f'max by (condition) (baseload_condition{{{here},status="True"}})', "{{condition}}")], (24, 8),
              {"mergeValues": True, "showValue": "never", "alignValue": "left", "rowHeight": 0.9,
               "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
               "tooltip": {"mode": "single", "sort": "none"}},
              colour="thresholds", steps=[(None, "#8884"), (1, "blue")],
              mappings=[{"type": "value", "options": {"0": {"text": "not true", "index": 0}, "1": {"text": "True", "index": 1}}}],
              custom={"lineWidth": 0, "fillOpacity": 80}),
        series("Is the floor held, and do its tasks run?", "Tasks by which desired and running are below the floor. 0 is well.", TASKS,
               [query(f"max(baseload_desired_shortfall{{{here}}})", "desired short by"),
                query(f"max(baseload_running_shortfall{{{here}}})", "running short by")], min=0),
        series("Who undoes our changes?", "Corrections: accepted writes that undid someone else's change.", "short",
               [query(f"max(increase(baseload_corrections_total{{{here}}}[$__rate_interval]))", "corrections")], min=0),
        series("How late did AWS accept floors?", "Of all services together: from the instant at which a floor began to hold to its acceptance.", "s",
               [query(quantile(of, lateness), name) for of, name in ((0.5, "half"), (0.99, "99 %"))], min=0),
        series("How long did the tasks take to come?", "Of all services together: from the acceptance of a raised floor to as many tasks running.", "s",
               [query(quantile(of, ready), name) for of, name in ((0.5, "half"), (0.95, "95 %"))], min=0),
        series("Does the floor decide, or the policies?", "Binding: desired stands at the floor. Exceeded: desired is above it. A floor that is "
               "always exceeded is useless.", "percentunit",
               [query(share(name), name) for name in ("binding", "exceeded")], min=0),
        series("What does the timetable save here?", "Tasks under a flat floor at the week's highest, what is declared, and what runs.", TASKS,
               [query(f"max(rate(baseload_{name}_task_seconds_total{{{here}}}[$__rate_interval]))", legend)
                for name, legend in (("flat_floor", "flat"), ("declared", "declared"), ("running", "ran"))], min=0),
        series("How old is what we know?", "The age of the last look at this target. Beyond twice the resync nothing is lowered.", "s",
               [query("max(baseload_heartbeat_timestamp_seconds - on (job, instance) group_right () "
                      f"baseload_observation_timestamp_seconds{{{here}}})", "last look"),
                query("max(baseload_resync_interval_seconds)", "resync")], width=24, height=6, min=0),
    ]
    boundaries = {
        "name": "Boundaries", "datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": "purple",
        "expr": f"max by (account, region, cluster, service) (baseload_next_change_timestamp_seconds{{{here}}}) * 1000",
        "step": "60s", "useValueForTime": True, "titleFormat": "boundary", "textFormat": "{{account}} {{region}} {{cluster}}/{{service}}", "tagKeys": "",
    }
    variables = [
        datasource_variable(),
        place_variable("account", "baseload_floor", "The account."),
        place_variable("region", 'baseload_floor{account=~"$account"}', "The region."),
        label_variable("cluster", 'baseload_floor{account=~"$account",region=~"$region"}', "The cluster.", False),
        label_variable("service", 'baseload_floor{account=~"$account",region=~"$region",cluster="$cluster"}', "The service.", False),
    ]
    return dashboard("baseload-service", "Baseload: service", "One service: floor, min, desired, running and max over time.",
                     variables, [boundaries], panels, ("The fleet", "baseload-fleet"))


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "charts/baseload/dashboards"
    for name, made in (("fleet", fleet()), ("service", service())):
        (folder / f"{name}.json").write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
