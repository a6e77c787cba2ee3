"""Arguments outside the schema are refused in sentences; a schema that could hurt is refused itself."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

import jsonschema_rs
import pytest

from policy import schemas
from policy.schema_limits import DIALECT
from policy.schemas import BadSchemaError, refuse_bad_schema, violations

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^[a-z]+$"},
        "count": {"type": "integer", "minimum": 3, "exclusiveMaximum": 9, "multipleOf": 2},
        "to": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
        "mode": {"enum": ["a", "b"]},
        "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "labels": {"type": "object", "additionalProperties": {"type": ["string", "null"]}, "maxProperties": 1},
        "fixed": {"const": 1},
    },
    "required": ["path"],
    "additionalProperties": False,
}


def wrap(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


@pytest.fixture(autouse=True)
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "_compiled", {})


@pytest.mark.parametrize(
    ("arguments", "sentences"),
    [
        ({"path": "a"}, ()),
        ({"path": "abc", "count": 4, "to": ["x"], "mode": "a", "either": None, "labels": {"x": None}}, ()),
        ({}, ("The call lacks `path`.",)),
        ([], ("The call must be an object.",)),
        (None, ("The call must be an object.",)),
        ({"path": None}, ("`path` must be text.",)),
        ({"path": "abcdef"}, ("`path` must have at most 5 characters.",)),
        ({"path": "A"}, ("`path` must match the pattern ^[a-z]+$.",)),
        ({"path": "a", "Path": "a"}, ("The call has unknown fields: `Path`.",)),
        ({"path": "a", "pаth": "a"}, ("The call has unknown fields: `pаth`.",)),
        ({"path": "a", "x\u202ey": 1}, ("The call has unknown fields: `x⟦U+202E⟧y`.",)),
        ({"path": "a", "x" * 99: 1}, (f"The call has unknown fields: `{'x' * 60}…`.",)),
        ({"path": "a", "count": True}, ("`count` must be a whole number.",)),
        ({"path": "a", "count": "4"}, ("`count` must be a whole number.",)),
        ({"path": "a", "count": 2}, ("`count` must be at least 3.",)),
        ({"path": "a", "count": 10}, ("`count` must be less than 9.",)),
        ({"path": "a", "count": 5}, ("`count` must be a multiple of 2.",)),
        ({"path": "a", "to": []}, ("`to` must have at least 1 items.",)),
        ({"path": "a", "to": ["x", "x"]}, ("`to` must not name an item twice.",)),
        ({"path": "a", "to": ["x", 1]}, ("`to[1]` must be text.",)),
        ({"path": "a", "mode": "c"}, ("`mode` must be one of `a`, `b`.",)),
        ({"path": "a", "either": 1}, ("`either` does not satisfy `anyOf`.",)),
        ({"path": "a", "labels": {"x": 1}}, ("`labels.x` must be null or text.",)),
        ({"path": "a", "fixed": 2}, ("`fixed` must be `1`.",)),
    ],
)
def test_each_violation_is_a_sentence_that_names_the_field(arguments: object, sentences: tuple[str, ...]) -> None:
    assert violations("digest", SCHEMA, arguments) == sentences


def test_no_sentence_shows_a_value() -> None:
    canary = "CANARY-4711"
    bad = {"path": canary, "count": canary, "to": canary, "mode": canary, "either": [canary], "labels": canary,
           "fixed": canary}  # fmt: skip
    found = violations("digest", SCHEMA, bad)
    assert len(found) >= 7
    assert canary not in " ".join(found)


def test_the_number_of_sentences_is_bounded() -> None:
    schema = wrap(to={"type": "array", "items": {"type": "string"}})
    found = violations("digest", schema, {"to": list(range(1_000))})
    assert len(found) == schemas.MAX_SENTENCES + 1
    assert found[-1] == "… and 980 more."


def test_of_a_large_call_only_the_first_violation_is_named() -> None:
    """Half a million violations would take 15 seconds and 2 GB to list."""
    schema = wrap(to={"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, last={"const": 1})
    many = [1] * 500_000
    for arguments in ({"to": many}, {"to": [many]}, {"to": [{"x": many}]}, {"to": ["x"] * 100_000 + [1]}):
        first, rest = violations("digest", schema, arguments)
        assert first.startswith("`to[")
        assert rest.startswith("There may be more")
    assert violations("digest", schema, {"to": ["x"] * 100_000}) == ()


def test_a_schema_is_compiled_once_and_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []
    plain = schemas._validator

    def counted(schema: Any) -> Any:
        compiled.append(schema)
        return plain(schema)

    monkeypatch.setattr(schemas, "_validator", counted)
    monkeypatch.setattr(schemas, "refuse_bad_schema", lambda schema: None)
    monkeypatch.setattr(schemas, "MAX_COMPILED", 3)
    for digest in ("1", "1", "2", "3", "4", "4"):
        violations(digest, SCHEMA, {"path": "a"})
    assert len(compiled) == 4
    assert list(schemas._compiled) == ["2", "3", "4"]


def deep(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        node = {"type": "array", "items": node}
    return wrap(a=node)


def explosive(levels: int) -> dict[str, Any]:
    definitions = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {**wrap(a={"$ref": "#/$defs/d0"}), "$defs": {**definitions, f"d{levels}": {"type": "string"}}}


def chain(links: int) -> dict[str, Any]:
    definitions = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(links)}
    return {**wrap(a={"$ref": "#/$defs/d0"}), "$defs": {**definitions, f"d{links}": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({}, "must describe an object"),
        ({"type": "object"}, "refuse unknown fields"),
        ({**wrap(), "additionalProperties": True}, "refuse unknown fields"),
        (wrap(a={"type": "dict"}), "properties.a.type is not valid JSON Schema"),
        (wrap(a={"minLength": "3"}), "properties.a.minLength is not valid"),
        (wrap(a={"$ref": "http://127.0.0.1:9/x.json"}), "nothing is fetched"),
        (wrap(a={"$ref": "//host/x"}), "nothing is fetched"),
        (wrap(a={"$ref": "file:///etc/passwd"}), "nothing is fetched"),
        (wrap(a={"$ref": "other.json#/x"}), "nothing is fetched"),
        (wrap(a={"items": [{"anyOf": [{"$ref": "http://x"}]}]}), "nothing is fetched"),
        (wrap(a={"$dynamicRef": "#x"}), "`$dynamicRef` is not supported"),
        (wrap(a={"$id": "http://x/"}), "`$id` is not supported"),
        ({**wrap(), "$schema": "http://json-schema.org/draft-07/schema#"}, "another dialect"),
        (wrap(a={"$schema": "http://127.0.0.1:9/dialect"}), "another dialect"),
        ({**wrap(), "$schema": 7}, "$schema is not valid JSON Schema"),
        (wrap(a={"type": ["string", "dict"]}), "properties.a.type is not valid"),
        (wrap(a={"type": "any"}), "properties.a.type is not valid"),
        (wrap(a={"$ref": 7}), "properties.a.$ref is not valid"),
        (wrap(a={"$ref": "#/"}), "points to nothing"),
        (wrap(a=[]), "properties.a is not valid"),
        (wrap(a={"items": [{}]}), "properties.a.items is not valid"),
        (wrap(a={"minLength": 10**30}), "it is not JSON"),
        (wrap(a={"multipleOf": 0}), "properties.a.multipleOf is not valid"),
        ({**wrap(a={"$ref": "#/$defs/a"}), "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, "refers to itself"),
        (wrap(a={"$ref": "#/properties/a"}), "refers to itself"),
        (wrap(a={"$ref": "#/$defs/none"}), "points to nothing"),
        (deep(40), "nested deeper"),
        (chain(1_500), "or too deeply"),
        (explosive(20), "unfolds to more than"),
        (wrap(**{f"a{n}": {"description": "x" * 100} for n in range(700)}), "larger than"),
        (wrap(a={"pattern": "(a"}), "linear time"),
        (wrap(a={"pattern": r"(?=x)(a+)+\1$"}), "linear time"),
        (wrap(a={"pattern": "a{1001}"}), "linear time"),
        (wrap(a={"pattern": "x" * 600}), "longer than 500"),
        (wrap(a={"pattern": "(?:a{500}){3}"}), "linear time"),
        (wrap(a={"pattern": r"\C"}), "does not compile"),  # RE2 takes it, the validator's engine does not
        (wrap(a={"pattern": r"\pL{300}"}), "does not compile"),
        (wrap(a={"patternProperties": {"(?<!a)b": {}}}), "linear time"),
        (wrap(a={"const": float("nan")}), "it is not JSON"),
    ],
)
def test_a_schema_that_could_hurt_is_refused_with_the_reason(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadSchemaError, match="cannot be used") as refusal:
        refuse_bad_schema(schema)
    assert reason in str(refusal.value)
    with pytest.raises(BadSchemaError):
        violations("digest", schema, {})


def outward(url: str) -> list[dict[str, Any]]:
    """Return schemas with an address in every place that a reader of JSON Schema might follow."""
    inner = [{word: url} for word in ("$ref", "$dynamicRef", "$recursiveRef", "$schema", "$id", "$anchor")]
    inner += [{"$ref": f"{url}#/$defs/a"}, {"$id": url, "$ref": "other.json"}, {"contentSchema": {"$ref": url}}]
    inner += [{word: {"$ref": url}} for word in ("items", "not", "contains", "unevaluatedItems", "propertyNames")]
    inner += [{word: [{"$ref": url}]} for word in ("anyOf", "oneOf", "allOf", "prefixItems")]
    root: list[dict[str, Any]] = [{"$schema": url}, {"$id": url}, {"$vocabulary": {url: True}}, {"$ref": url}]
    root += [{"$defs": {"a": {"$ref": url}}}, {"dependentSchemas": {"a": {"$ref": url}}}]
    return [wrap(a=node) for node in inner] + [{**wrap(a={}), **node} for node in root]


def test_no_schema_makes_anybody_fetch_anything() -> None:
    fetched: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        threading.Thread(target=note_connections, args=[listener, fetched], daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/schema.json"
        found = outward(url)
        for schema in found:
            with pytest.raises(BadSchemaError):
                refuse_bad_schema(schema)
            with pytest.raises(BadSchemaError):
                violations("digest", schema, {"a": "x"})
            with contextlib.suppress(jsonschema_rs.ValidationError):  # the library by itself does not fetch either
                schemas._validator(schema).is_valid({"a": "x"})
        with socket.create_connection(listener.getsockname()[:2]) as own:  # the listener does listen
            own.sendall(b"own")
            assert own.recv(1) == b""
    assert len(found) == 24
    assert fetched == [b"own"]


def note_connections(listener: socket.socket, fetched: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection:
                fetched.append(connection.recv(1000))


@pytest.mark.parametrize(
    "schema",
    [
        SCHEMA,
        wrap(),
        deep(8),
        explosive(4),
        chain(10),
        wrap(pattern={"type": "string"}),
        {**wrap(), "$schema": DIALECT},
    ],
)
def test_a_schema_that_is_sound_is_taken(schema: dict[str, Any]) -> None:
    refuse_bad_schema(schema)


def test_a_catastrophic_pattern_costs_nothing() -> None:
    schema = wrap(a={"type": "string", "pattern": "^(a+)+$"})
    assert violations("digest", schema, {"a": "a" * 100_000 + "!"}) == ("`a` must match the pattern ^(a+)+$.",)
