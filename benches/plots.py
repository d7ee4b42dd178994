"""Plots as SVG, in plain text: lines and bars. They stand on a ground of their own, for light pages and dark ones."""

import math
from html import escape

WIDTH, HEIGHT = 720, 320
LEFT, TOP, BOTTOM = 62, 40, 46
COLOURS = ["#0a7d4f", "#c2410c", "#6d4fc2", "#0b6fb8", "#8a6d00"]


def page(title, body, height=HEIGHT):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#1f2933">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#ffffff"/>\n'
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="600">{escape(title)}</text>\n' + "\n".join(body) + "\n</svg>\n"
    )


def text(x, y, words, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(str(words))}</text>'


def ticks(most):
    """Round steps from nothing to about `most`."""
    step = 10 ** math.floor(math.log10(most))
    step = next(s for s in (step / 5, step / 2, step, step * 2) if most / s <= 6)
    return [step * n for n in range(int(most / step) + 1)]


def decades(values):
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(low, high + 1)]


def plain(value):
    return f"{value:,.0f}" if value >= 1 or value == 0 else f"{value:g}"


def lines(path, title, x_name, y_name, series, logarithmic=False):
    """A line for each series of points, its name to the right."""
    right, bottom = WIDTH - 225, HEIGHT - BOTTOM
    points = [point for _, line in series for point in line]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if logarithmic:
        x_marks, y_marks = decades(xs), decades(ys)
        along = lambda value, marks: math.log(value / marks[0]) / math.log(marks[-1] / marks[0])
    else:
        x_marks, y_marks = ticks(max(xs)), ticks(max(ys))
        along = lambda value, marks: value / max(marks[-1], max(xs if marks is x_marks else ys))
    place_x = lambda value: LEFT + along(value, x_marks) * (right - LEFT)
    place_y = lambda value: bottom - along(value, y_marks) * (bottom - TOP)
    body = []
    for mark in y_marks:
        y = place_y(mark)
        body.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#dde3e9"/>' + text(LEFT - 8, y + 4, plain(mark), "end"))
    body += [text(place_x(mark), bottom + 18, plain(mark)) for mark in x_marks]
    body += [text((LEFT + right) / 2, HEIGHT - 10, x_name), text(LEFT - 8, TOP - 8, y_name, "end") if len(y_name) < 9 else text(LEFT, TOP - 4, y_name, "start")]
    for index, (name, line) in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        route = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in line)
        body.append(f'<polyline points="{route}" fill="none" stroke="{colour}" stroke-width="2.2"/>')
        y = TOP + 16 + index * 20
        body.append(f'<path d="M{right + 12} {y - 4}h18" stroke="{colour}" stroke-width="2.2"/>' + text(right + 36, y, name, "start"))
    path.write_text(page(title, body))


def bars(path, title, named):
    """A bar for each name, its length logarithmic, its value beside it."""
    left, row = 320, 32
    marks = decades([value for _, value in named])
    length = lambda value: math.log(value / marks[0]) / math.log(marks[-1] / marks[0]) * (WIDTH - left - 90)
    body = []
    for index, (name, value) in enumerate(named):
        y = TOP + 8 + index * row
        body.append(text(left - 10, y + 15, name.replace("`", ""), "end"))
        body.append(f'<rect x="{left}" y="{y}" width="{length(value):.1f}" height="20" rx="3" fill="{COLOURS[0 if index == 0 else 3]}"/>')
        body.append(text(left + length(value) + 8, y + 15, f"{value:.2f} s", "start"))
    path.write_text(page(title, body, TOP + 20 + len(named) * row))
