import random
from itertools import combinations

import pytest

from api.plan_picture.folds import boxes_of
from api.plan_picture.layout import LANE, Spacing, layout_of
from state.model import StepStatus
from tests.unit.api.scripted_desk import step

SPACING = Spacing(width=100, height=40, column_gap=30, row_gap=10)


def plan(after):
    return {name: step(name, StepStatus.WAITING, after=tuple(before), agent="a") for name, before in after.items()}


def random_plan(seed, steps, window=20):
    chance = random.Random(seed)
    names = [f"s{number}" for number in range(steps)]
    after = {
        name: sorted({names[chance.randrange(max(0, at - window), at)] for _ in range(chance.randint(0, 3))})
        if at
        else []
        for at, name in enumerate(names)
    }
    return {name: after[name] for name in chance.sample(names, steps)}  # a record need not be in order


def closure(after):
    """All that comes before each."""
    found = {}

    def earlier(name):
        if name not in found:
            found[name] = set(after[name]).union(*(earlier(before) for before in after[name]))
        return found[name]

    return {name: earlier(name) for name in after}


@pytest.mark.parametrize("seed", range(20))
def test_boxes_and_lines_keep_apart(seed):
    after = {box.key: box.after for box in boxes_of(plan(random_plan(seed, 30)))}
    layout = layout_of(after, SPACING)
    assert layout.corners.keys() == after.keys()
    for (x, y), (other_x, other_y) in combinations(layout.corners.values(), 2):
        assert x != other_x or abs(y - other_y) >= SPACING.height + SPACING.row_gap - 1e-6
    for line in layout.lines:
        assert line.x2 > line.x1
        if line.y1 == line.y2 and line.x2 - line.x1 == SPACING.width:  # it passes a column
            beside = [y for x, y in layout.corners.values() if x == line.x1]
            assert all(not y - LANE / 2 < line.y1 < y + SPACING.height + LANE / 2 for y in beside)
    assert all(0 <= x <= layout.width - SPACING.width + 1e-6 for x, _ in layout.corners.values())
    assert all(0 <= y <= layout.height - SPACING.height + 1e-6 for _, y in layout.corners.values())


@pytest.mark.parametrize("seed", range(20))
def test_the_lines_lead_to_all_that_a_step_waits_for_and_to_nothing_else(seed):
    after = random_plan(seed, 30)
    drawn = {box.key: box.after for box in boxes_of(plan(after))}
    assert closure(drawn) == closure(after)
    for name, before in drawn.items():
        assert not any(one in closure(drawn)[other] for one in before for other in before), name


def test_a_box_is_right_of_all_it_waits_for():
    layout = layout_of({"a": [], "b": ["a"], "c": ["b"], "d": ["a", "c"]}, SPACING)
    assert [layout.corners[name][0] for name in "abcd"] == [0, 130, 260, 390]


def test_what_can_be_drawn_without_a_crossing_is():
    after = {
        "nlp": [],
        **{f"data-{n}": ["nlp"] for n in range(6)},
        **{f"viz-{n}": [f"data-{n}"] for n in (3, 0, 5, 1, 4, 2)},
    }
    layout = layout_of({**after, "compose": [f"viz-{n}" for n in range(6)]}, SPACING)
    order = [sorted(range(6), key=lambda n, kind=kind: layout.corners[f"{kind}-{n}"][1]) for kind in ("data", "viz")]
    assert order[0] == order[1]


def test_a_long_run_is_its_ends_and_what_is_between():
    boxes = boxes_of(plan({f"s{n}": [f"s{n - 1}"] if n else [] for n in range(1_000)}))
    assert [len(box.steps) for box in boxes] == [1, 998, 1]
    assert [box.after for box in boxes] == [(), ("s0",), ("s1",)]


def test_a_wide_fan_is_one_box_for_each_place_in_it():
    pairs = {f"data-{n}": ["nlp"] for n in range(200)} | {f"viz-{n}": [f"data-{n}"] for n in range(200)}
    boxes = boxes_of(plan({"nlp": [], **pairs, "compose": sorted(pairs)}))
    assert [len(box.steps) for box in boxes] == [1, 200, 200, 1]


@pytest.mark.parametrize("seed", range(10))
def test_a_folded_plan_has_every_step_in_one_box(seed):
    steps = plan(random_plan(seed, 300, window=8))
    boxes = boxes_of(steps)
    assert len(boxes) < len(steps)
    assert sorted(step.name for box in boxes for step in box.steps) == sorted(steps)
    place = {box.key: at for at, box in enumerate(boxes)}
    assert all(place[before] < place[box.key] for box in boxes for before in box.after)
    box_of = {step.name: box.key for box in boxes for step in box.steps}
    waits = closure({box.key: box.after for box in boxes})
    for name, one in steps.items():
        assert all(box_of[before] in waits[box_of[name]] | {box_of[name]} for before in one.after)
