"""All mistakes of a file in one round, at the right lines; files that are no proper YAML end in one line each."""

import random
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from har_ray.errors import GridError
from har_ray.yaml_check import inconsistent, load
from har_ray.yaml_file import YamlFile


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Item(Section):
    name: str = Field(examples=["a"])
    low: int = 0
    high: int = 9

    @model_validator(mode="after")
    def _ordered(self) -> "Item":
        if self.low > self.high:
            raise inconsistent([(("low",), f"{self.low} is above high", ("high",))])
        return self


class Model(Section):
    items: Annotated[list[Item], Field(min_length=1)]
    most: int = Field(examples=[99])
    scale: float = 1.0
    label: str = "x"
    first: Item | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "Model":
        wrong = [
            (("items", i, "high"), f"{item.high} is above most", ("most",))
            for i, item in enumerate(self.items)
            if item.high > self.most
        ]
        if wrong:
            raise inconsistent(wrong)
        return self


@pytest.fixture
def lines(tmp_path):
    """The messages about a text, without the file's name."""

    def check(text):
        path = tmp_path / "f.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(GridError) as caught:
            load(Model, YamlFile.read(path))
        return str(caught.value).replace(str(path), "f").splitlines()

    return check


def test_a_good_file_is_its_model(tmp_path):
    (tmp_path / "f.yaml").write_text("items: [{name: a, low: 1}]\nmost: 20\n")
    found = load(Model, YamlFile.read(tmp_path / "f.yaml"))
    assert (found.items[0].low, found.most, found.scale) == (1, 20, 1.0)


def test_mistakes_of_values_and_between_keys_in_one_round(lines):
    text = """\
items:
  - {name: a, low: 5, high: 3}
  - {name: b, high: many}
  - {name: c, high: 50}
  - {nme: d}
most: 20
scale: wide
lable: y
"""
    assert lines(text) == [
        "f:2: items[0].low: 5 is above high",
        "f:3: items[1].high: input should be a valid integer, unable to parse string as an integer, found 'many'",
        "f:4: items[2].high: 50 is above most",
        "f:5: items[3].nme: key 'nme' is unknown; did you mean 'name'? (name, low, high)",
        "f:7: scale: input should be a valid number, unable to parse string as a number, found 'wide'",
        "f:8: lable: key 'lable' is unknown; did you mean 'label'? (items, most, scale, label, first)",
    ]


def test_what_depends_on_a_wrong_key_is_not_reported(lines):
    assert lines("items: [{name: a, high: 200}]\nmost: none\n") == [
        "f:2: most: input should be a valid integer, unable to parse string as an integer, found 'none'"
    ]


def test_a_key_that_belongs_elsewhere_is_shown_where(lines):
    (line,) = lines("items: [{name: a}]\nmost: 20\nlow: 3\n")
    assert line == "f:3: low: key 'low' is unknown here; did you mean 'first.low'?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("items: [{name: 010}]\nmost: 20\n", "f:1: items[0].name: 010 is read as 8; quote it"),
        ("items: [{name: a}]\nmost: yes\n", "f:2: most: yes is read as true, expected a number"),
        ("items: [{name: no}]\nmost: 20\n", "f:1: items[0].name: no is read as false; quote it"),
        ("items: [{name: a}]\nmost: 1_0\n", "f:2: most: 1_0 is read as 10; quote it if it is text, or write 10"),
        ("items: [{name: 1:20}]\nmost: 20\n", "f:1: items[0].name: 1:20 is read as 80; quote it"),
        ("items: [{name: 1.0}]\nmost: 20\n", "f:1: items[0].name: 1.0 is read as a number; quote it"),
        ("items: [{name: ~}]\nmost: 20\n", "f:1: items[0].name: ~ is read as nothing; quote it"),
        ("label: **/*.csv\n", "but found '*'; quote a text that begins with *, as in '**/*.csv'"),
        ("label: *.csv\n", "f:1: not valid YAML: "),
        ("label: *csv\n", "found undefined alias 'csv'; quote a text that begins with *, as in '**/*.csv'"),
        ("label: %x\n", "that cannot start any token; quote a text that begins with %"),
        ("label: a: b\n", "mapping values are not allowed here; quote a text that holds ': '"),
        ('label: "p(\\d+)"\n', "unknown escape character 'd'; write it in single quotes, between which \\ is a"),
        ("items: [{name: a}]\nmost: 20\nmost: 21\n", "f:3: most: 'most' is given twice"),
        ("items: [\n", "f:2: not valid YAML"),
        ("items:\n\t- a\n", "indent with spaces"),
        ("- a\n", "f: expected a mapping of keys; found list"),
        ("", "f: expected a mapping of keys; found nothing"),
        ("a: &a {b: *a}\n", "an alias inside its own anchor"),
        (
            "items: [{name: !!python/object:os.system x}]\nmost: 20\n",
            "cannot be read: could not determine a constructor",
        ),
        ("items: [{name: caf\xe9}]\n".encode("cp1252"), "f:1: not UTF-8 text: byte 0xe9; save it as UTF-8"),
        ("items: [{name: a}]\n".encode("utf-16"), "f: not UTF-8 text, but UTF-16 or binary; save it as UTF-8"),
    ],
)
def test_files_that_are_no_proper_yaml_are_one_line(lines, text, message):
    (line,) = lines(text)
    assert message in line


def test_an_alias_bomb_is_refused_before_it_is_written_out(lines):
    levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    (line,) = lines("a0: &a0 [x]\n" + "\n".join(levels) + "\n")
    assert "over 100,000 keys and values with aliases written out" in line


def test_set_changes_values_and_what_is_reported_of_them(tmp_path):
    (tmp_path / "f.yaml").write_text("items: [{name: a}]\nmost: yes\n")
    file = YamlFile.read(tmp_path / "f.yaml")
    file.set("most=30")
    file.set("items.0.low=2")
    file.set("items.1={name: b, high: 9}")
    found = load(Model, file)
    assert (found.most, found.items[0].low, found.items[1].high) == (30, 2, 9)
    for wrong, message in [
        ("most", "expected key.path=value"),
        ("most.x=1", "has no keys"),
        ("items.3={name: d}", r"--set items.3=.*: items: expected the number of an item, 0 to 2; found '3'$"),
        ("items.2.low=1", r"items: expected the number of an item, 0 to 1; found '2'$"),
        ("items.first.low=1", r"items: expected the number of an item, 0 to 1; found 'first'$"),
    ]:
        with pytest.raises(GridError, match=message):
            file.set(wrong)


def test_every_mutilated_file_ends_in_a_model_or_a_message(tmp_path):
    """Characters of a good file are dropped, doubled or replaced: nothing but a GridError comes of it."""
    rng = random.Random(0)
    good = "items:\n  - {name: a, low: 1, high: 5}\n  - {name: b}\nmost: 20\nscale: 0.5\nlabel: z\n"
    refused = 0
    for _ in range(400):
        text = list(good)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(text))
            text[at] = rng.choice(["", text[at] * 2, rng.choice("{}[]:,-&*!?#'\"\n\t |>%@0yn")])
        (tmp_path / "f.yaml").write_text("".join(text))
        try:
            load(Model, YamlFile.read(tmp_path / "f.yaml"))
        except GridError:
            refused += 1
    assert 200 < refused < 400


EXPANDED = """
items:
  - {name: a}
  - name: b
    low: [1, 5,
      x]
    high:
      - 3
      - 9
most: 9
"""


@pytest.fixture
def expanded(tmp_path):
    """The items of a text whose `low` and `high` may be lists, or the messages about it."""

    def check(text):
        path = tmp_path / "f.yaml"
        path.write_text(text)
        file = YamlFile.read(path)
        file.expand("items", ("low", "high"))
        try:
            return [(one.name, one.low, one.high) for one in load(Model, file).items]
        except GridError as error:
            return str(error).replace(str(path), "f").splitlines()

    return check


def test_lists_become_an_item_for_each_combination(expanded):
    text = EXPANDED.replace("5,\n      x]", "2]")
    assert expanded(text) == [("a", 0, 9), ("b", 1, 3), ("b", 1, 9), ("b", 2, 3), ("b", 2, 9)]


def test_what_is_wrong_in_such_a_list_is_named_as_it_stands_in_the_file(expanded):
    assert expanded(EXPANDED) == [
        "f:5: items[1].low[1]: 5 is above high",
        "f:6: items[1].low[2]: input should be a valid integer, unable to parse string as an integer, found 'x'",
    ]
    assert expanded(EXPANDED.replace("most: 9", "most: 8")) == [
        "f:3: items[0].high: 9 is above most",
        "f:5: items[1].low[1]: 5 is above high",
        "f:6: items[1].low[2]: input should be a valid integer, unable to parse string as an integer, found 'x'",
        "f:9: items[1].high[1]: 9 is above most",
    ]


def test_an_empty_list_and_what_is_no_item_are_left_to_the_check(expanded):
    assert expanded("items: [{name: a, low: []}, 3]\nmost: 9\n") == [
        "f:1: items[0].low: input should be a valid integer, found []",
        "f:1: items[1]: expected keys below it (name, low, high), found 3",
    ]
    assert expanded("items: 3\nmost: 9\n") == ["f:1: items: input should be a valid list, found 3"]
