"""A tool is asked for by its exact name, in an enabled version, with valid arguments, or not at all."""

import json
from pathlib import Path
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from agents import proposals
from agents.models import ToolCall
from agents.proposals import MAX_CALLS, ExternalCall
from audit import canonical, clock
from policy import allowlist, check, versions
from policy.allowlist import AmbiguousDigestError, ToolVersionNotFoundError
from policy.check import Asked, Checked
from policy.models import PolicyVersion, Tool, ToolVersion
from policy.registry import BadToolError
from policy.verdict import Outcome
from tests.agents.steps import external_run, without_triggers
from tests.m1site.rest import Rest
from tests.world import TOOLS, World, make_world

pytestmark = pytest.mark.django_db

LOOK_ALIKES = [
    "fіles.read", "filеs.read", "files.reаd", "files.rеad", "fiⅼes.read", "еmail.send", "emаil.send",  # Cyrillic, Roman
    "fιles.read", "filεs.read", "ϝiles.read", "email.ѕend", "fıles.read", "fílés.read", "ƒiles.read",  # Greek, Latin
    "ﬁles.read", "ｆiles.read", "ｆｉｌｅｓ．ｒｅａｄ", "𝐟iles.read", "𝚏𝚒𝚕𝚎𝚜.𝚛𝚎𝚊𝚍", "ⓕiles.read",  # fold to it
    "ᶠiles.read", "files．read", "files․read", "files。read", "files·read", "files‧read", "files,read", "files..read",
    "files__read", "FILES.READ", "Files.read", "files.Read", "fiIes.read", "fi1es.read", "fi|es.read", "flles.read",
    "files.raed", " files.read", "files.read ", "files.read\u00a0", "files.read\u3000", "files.read\t",
    "files.read\n", "\nfiles.read",
    "files.read\r", "files.read\u2028", "files\u200b.read", "files.read\u200d", "\u2060files.read", "\ufefffiles.read",
    "fil\u00ades.read", "files.read\u034f", "files.read\ufe0f", "files.read\u0301", "files.rea\u0323d",
    "files.read\x7f",
    "files.read\U000e0001", "files.re\U000e0061d", "\u202efiles.read", "\u202edaer.selif", "files.read\u202c",
    "files.read\u0000", "files%2eread", "files\\u002eread", "&#102;iles.read", "files.read;", "files.read'--",
    "files.%", "files.read\x1b[2J", "files\u3164.read", "files.read\u115f", "files.reａd",
    "files.*", "files.read.", ".files.read", "files/read", "tools.files.read", "", "*", "_", "files",
]  # fmt: skip
TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "properties": {
        "id": {**TEXT, "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
        "count": {"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2},
        "rate": {"type": "number", "maximum": 1, "exclusiveMinimum": 0},
        "is_paid": {"type": "boolean"},
        "nothing": {"type": "null"},
        "to": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 2, "uniqueItems": True},
        "pair": {"type": "array", "prefixItems": [TEXT, {"type": "integer"}], "items": False},
        "some": {"type": "array", "contains": {"const": 1}},
        "labels": {"type": "object", "additionalProperties": TEXT, "minProperties": 1, "maxProperties": 2},
        "keyed": {"type": "object", "propertyNames": {"pattern": "^x"}, "patternProperties": {"^xn": {"type": "null"}}},
        "mode": {"enum": ["a", "b"]},
        "fixed": {"const": {"a": 1}},
        "either": {"anyOf": [TEXT, {"type": "null"}]},
        "one": {"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]},
        "both": {"allOf": [{"minimum": 1}, {"maximum": 2}]},
        "no": {"not": {"type": "string"}},
        "address": {"$ref": "#/$defs/address"},
        "when": {"if": {"const": 1}, "then": False, "else": True},
    },
    "dependentRequired": {"rate": ["count"]},
    "$defs": {"address": {"type": "object", "required": ["city"], "properties": {"city": TEXT}}},
}
VIOLATIONS: list[str] = [
    "{}", "[]", "null", "1", '"x"', "true", '[{"id":"ab"}]', '{"id":null}', '{"id":1}', '{"id":["ab"]}', '{"id":{}}',
    '{"id":"a"}', '{"id":"abcde"}', '{"id":"AB"}', '{"id":"ab\\n"}', '{"id":"ab","x":1}', '{"id":"ab","Id":"ab"}',
    '{"id":"ab","іd":"ab"}', '{"id":"ab","count":0}', '{"id":"ab","count":9}', '{"id":"ab","count":3}',
    '{"id":"ab","count":2.5}', '{"id":"ab","count":"2"}', '{"id":"ab","count":true}', '{"id":"ab","count":null}',
    '{"id":"ab","count":2,"rate":0}', '{"id":"ab","count":2,"rate":1.01}', '{"id":"ab","rate":1}',
    '{"id":"ab","is_paid":1}', '{"id":"ab","is_paid":"true"}', '{"id":"ab","nothing":false}', '{"id":"ab","to":[]}',
    '{"id":"ab","to":["a","b","c"]}', '{"id":"ab","to":["a","a"]}', '{"id":"ab","to":["a",1]}', '{"id":"ab","to":"a"}',
    '{"id":"ab","pair":[1]}', '{"id":"ab","pair":["a",1,2]}', '{"id":"ab","some":[2]}', '{"id":"ab","labels":{}}',
    '{"id":"ab","labels":{"a":1}}', '{"id":"ab","labels":{"a":"","b":"","c":""}}', '{"id":"ab","keyed":{"a":1}}',
    '{"id":"ab","keyed":{"xn":1}}', '{"id":"ab","mode":"c"}', '{"id":"ab","fixed":{"a":2}}', '{"id":"ab","either":1}',
    '{"id":"ab","one":6}', '{"id":"ab","one":5}', '{"id":"ab","both":3}', '{"id":"ab","no":"x"}',
    '{"id":"ab","address":{}}', '{"id":"ab","address":{"city":1}}', '{"id":"ab","when":1}',
    '{"id":"ab","id":"cd"}', '{"id":"ab"', '{"id":NaN}', '{"id":"ab","count":1e400}',
    '{"id":"ab","count":99999999999999999}',
    '{"id":"\\ud800b"}', '{"id":"ab\\u0000"}', "", "\x00", '{"id":"ab"}{"id":"cd"}', "{'id':'ab'}", '{"id":"ab",}',
]  # fmt: skip
VALID = [
    '{"id":"ab"}',
    '{"id":"ab","count":2,"rate":1,"is_paid":true,"nothing":null,"to":["a"],"pair":["a",1],"some":[1],"mode":"a"}',
    '{"id":"ab","labels":{"a":""},"keyed":{"xa":1},"fixed":{"a":1},"either":null,"one":2,"both":1,"no":1,"when":2}',
    '{"id":"ab","address":{"city":"x"},"count":2.0}',
]
POLICY = """
format: 1
rules:
  - name: everything
    match: {tools: ["*"]}
    review:
      requirements: [{count: 1, groups: [approver]}]
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The tools that ship and one with every kind of constraint, under a policy that asks a person for everything."""
    world = make_world(tmp_path)
    declared = allowlist.newest("files.read").declared
    body = canonical.encode(declared | {"name": "shop.order", "schema": SCHEMA, "headline": "Order {id}"})
    tool = Tool.objects.create(name="shop.order", created_at=clock.now())
    ToolVersion.objects.create(
        tool=tool, digest=canonical.digest(body), declaration=body.decode(), state="enabled", created_at=clock.now()
    )
    newest = PolicyVersion.objects.latest("number")
    versions.publish(POLICY, author=newest.author, publisher=newest.publisher, override="They are for this test.")
    return world


def judged(tool: str, arguments: bytes, *allowed: str) -> Checked:
    return check.judge(Asked(
        request_id=uuid7(), agent="demo", environment="test", requester="riley", requester_groups=frozenset(),
        tool=tool, arguments=arguments, allowed=frozenset(allowed),
    ))  # fmt: skip


def code(checked: Checked) -> str:
    assert checked.verdict.outcome == Outcome.DENIED
    (reason,) = checked.verdict.reasons
    return reason.code


def test_a_name_that_only_looks_like_a_tool_s_is_denied(world: World) -> None:
    names = list(Tool.objects.values_list("name", flat=True))
    assert len(set(LOOK_ALIKES)) >= 80 and not set(LOOK_ALIKES) & set(names)
    for name in LOOK_ALIKES:
        assert code(judged(name, b'{"path":"a.txt"}', *names)) == "tool_not_allowed", name
        assert code(judged(name, b'{"path":"a.txt"}', *names, name)) == "tool_not_enabled", name  # frozen in a run
    assert judged("files.read", b'{"path":"a.txt"}', *names).verdict.outcome == Outcome.NEEDS_APPROVAL


def test_no_look_alike_is_ever_put_before_people(world: World) -> None:
    run = external_run(world)
    names = [name for name in LOOK_ALIKES if "\0" not in name]  # no JSON that M1 reads holds one
    for start in range(0, len(names), MAX_CALLS):
        asked = [ExternalCall(name, b'{"path":"a.txt"}', "Due.") for name in names[start : start + MAX_CALLS]]
        proposals.propose_external(run.pk, calls=asked)
    assert ToolCall.objects.filter(run=run).count() == len(names)
    assert set(ToolCall.objects.filter(run=run).values_list("status", "tool_version")) == {("denied", None)}
    assert {risk for risk in ToolCall.objects.values_list("risk", flat=True)} == {"critical"}


def test_over_rest_a_look_alike_is_a_4xx_or_denied(world: World) -> None:
    names = ["fіles.read", "ﬁles.read", "files.read\u200b", "files.read\u0000", "files.read\ud800", "", "FILES.READ"]
    bodies = [{"calls": [{"tool": name, "arguments": {"path": "a.txt"}, "reason": "Due."}]} for name in names]
    refused_or_denied(world, [json.dumps(body).encode() for body in bodies])


def test_every_kind_of_schema_violation_is_denied_and_none_is_pending(world: World) -> None:
    for text in VIOLATIONS:
        found = code(judged("shop.order", text.encode(), "shop.order"))
        assert found in ("invalid_arguments", "malformed_arguments"), text
    for text in VALID:
        assert judged("shop.order", text.encode(), "shop.order").verdict.outcome == Outcome.NEEDS_APPROVAL, text
    run = external_run(world)
    for start in range(0, len(VIOLATIONS), MAX_CALLS):
        asked = [ExternalCall("shop.order", text.encode(), "Due.") for text in VIOLATIONS[start : start + MAX_CALLS]]
        proposals.propose_external(run.pk, calls=asked)
    assert ToolCall.objects.filter(run=run, status="denied").count() == len(VIOLATIONS)
    assert not ToolCall.objects.exclude(status="denied").exists()


def test_over_rest_a_violation_is_a_4xx_or_denied(world: World) -> None:
    before = b'{"calls":[{"tool":"shop.order","reason":"Due.","arguments":'
    refused_or_denied(world, [before + text.encode() + b"}]}" for text in VIOLATIONS[::7]])


def refused_or_denied(world: World, bodies: list[bytes]) -> None:
    """Propose each over REST; assert that it is a 4xx and leaves nothing, or is stored as denied."""
    run = external_run(world)
    rest = Rest(run.agent.service_account)
    statuses = [rest.raw("POST", f"runs/{run.pk}/tool-calls", body).status_code for body in bodies]
    assert all(status == 201 or 400 <= status < 500 for status in statuses), statuses
    assert 201 in statuses and {*statuses} != {201}
    assert list(ToolCall.objects.values_list("status", flat=True)) == ["denied"] * statuses.count(201)


def test_a_schema_that_was_made_bad_by_hand_denies_and_fetches_nothing(world: World) -> None:
    """Whoever owns the database puts an address into a schema, digest and all."""
    version = allowlist.newest("shop.order")
    schemas = [{"$ref": "http://127.0.0.1:9/x"}, {**SCHEMA, "$id": "http://127.0.0.1:9/x"}, {"type": "dict"}]
    schemas += [{**SCHEMA, "properties": {"id": {"pattern": "(a+)+\\1$"}}}]
    for schema in schemas:
        body = canonical.encode(version.declared | {"schema": schema})
        with without_triggers():
            ToolVersion.objects.filter(pk=version.pk).update(declaration=body.decode(), digest=canonical.digest(body))
        assert judged("shop.order", b'{"id":"ab"}', "shop.order").verdict.outcome == Outcome.DENIED, schema


def test_of_several_enabled_versions_the_newest_takes_the_call(world: World) -> None:
    first = allowlist.newest("files.read")
    body = canonical.encode(first.declared | {"timeout_seconds": 3})
    second = ToolVersion.objects.create(
        tool=first.tool, digest=canonical.digest(body), declaration=body.decode(), created_at=clock.now()
    )
    for state, expected in (("disabled", first), ("enabled", second)):
        ToolVersion.objects.filter(pk=second.pk).update(state=state)
        assert judged("files.read", b'{"path":"a"}', "files.read").version == expected
    assert allowlist.enabled("files.read") == [second, first]
    assert allowlist.compared_with(second) == first and allowlist.compared_with(first) == second
    allowlist.disable(first.pk, actor="system:cli")
    allowlist.disable(second.pk, actor="system:cli")
    assert code(judged("files.read", b'{"path":"a"}', "files.read")) == "tool_not_enabled"


def test_what_the_code_declares_arrives_disabled_and_once(db: None) -> None:
    new = allowlist.sync(TOOLS)
    assert {version.state for version in new} == {"disabled"}
    assert allowlist.sync(TOOLS) == []
    assert allowlist.gone(TOOLS) == []
    allowlist.enable(new[0].pk, actor="system:cli")
    assert allowlist.gone(TOOLS) == []
    other = "policy.tools.email" if new[0].tool.name.startswith("files") else "policy.tools.files"
    assert allowlist.gone([other]) == [allowlist.find(new[0].tool.name, "")]
    with pytest.raises(BadToolError):
        allowlist.sync(["json"])
    assert json.loads(new[0].declaration)["name"] == new[0].tool.name


def test_a_version_is_found_by_the_beginning_of_its_digest(world: World) -> None:
    version = allowlist.newest("files.read")
    assert allowlist.find("files.read", version.digest[:8]) == allowlist.find("files.read", version.digest) == version
    for name, digest in (("files.read", "zz"), ("files.read", "%"), ("files.write", version.digest), ("no.such", "")):
        with pytest.raises(ToolVersionNotFoundError):
            allowlist.find(name, digest)
    ToolVersion.objects.create(
        tool=version.tool, digest=version.digest[:9] + "0" * 55, declaration="{}", created_at=version.created_at
    )
    with pytest.raises(AmbiguousDigestError):
        allowlist.find("files.read", version.digest[:9])
