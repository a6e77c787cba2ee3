"""`m1 token`: list, verify and revoke as a person; rotate as the operator, by the page that tells how."""

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import CliRunner, Result
from pytest_django import Settings

from audit.models import AuditEvent
from m1site.cli import group
from m1site.key_files import LIST, NEXT, SIGNING, KeyDirectory
from policy import key_list, tokens
from policy.keys import KeyRing
from policy.models import ApprovalToken
from tests.agents import steps
from tests.m1site.conftest import M1, Site, told
from tests.m1site.rest import Rest, assert_problem
from tests.world import World, make_world

PAGE = (Path(__file__).parents[2] / "docs" / "rotating-keys.md").read_text()
Rotate = Callable[..., Result]


@pytest.fixture
def rotate(db: None, tmp_path: Path) -> Rotate:
    """Call a step of the rotation on a directory of its own."""
    (tmp_path / "keys").mkdir()

    def call(*argv: str) -> Result:
        return CliRunner().invoke(group, ["token", "rotate", *argv, "--directory", str(tmp_path / "keys")])

    return call


def done(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def states(result: Result) -> list[str]:
    return [key["state"] for key in done(result)["keys"]]


def key_events() -> list[str]:
    rows = AuditEvent.objects.filter(subject__startswith="key:").order_by("xid", "id")
    return list(rows.values_list("action", flat=True))


def test_the_page_s_commands_do_what_the_page_says(db: None, tmp_path: Path) -> None:
    place = str(tmp_path / "keys")
    commands = [
        line.strip() for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
    ]
    assert [line.split()[3] for line in commands if line.startswith("m1 ")] == [
        "begin", "begin", "switch", "retire", "status",
    ]  # fmt: skip
    for line in filter(None, commands):
        argv = line.replace("/etc/m1/keys", place).split()
        if argv[0] == "install":
            os.mkdir(argv[-1], int(argv[3], 8))  # noqa: PTH102 - as the command does it
        else:
            result = CliRunner().invoke(group, argv[1:])
            assert result.exit_code == 0, (line, result.output)
    assert {"planner", "executor", "web", "M1_JWT_KEYS_FILE"} <= set(re.findall(r"\w+", result.output))
    assert key_events() == ["key.added", "key.added", "key.switched", "key.retired"]
    assert set(re.findall(r"`(key\.\w+)`", PAGE)) == set(key_events())


@pytest.mark.parametrize("algorithm", ["EdDSA", "HS256"])
def test_every_step_writes_files_that_a_process_can_start_with(rotate: Rotate, tmp_path: Path, algorithm: str) -> None:
    directory = tmp_path / "keys"

    def ring() -> KeyRing:
        listed, text = key_list.parse((directory / LIST).read_text()), (directory / SIGNING).read_text()
        return listed.with_private_key(text) if algorithm == "EdDSA" else listed.with_secret(text.encode())

    assert states(rotate("begin", "--first", "--algorithm", algorithm, "--json")) == ["active"]
    first = ring().signing
    assert states(rotate("begin", "--json")) == ["active", "next"]
    assert ring().signing == first or algorithm == "EdDSA"
    told = done(rotate("switch", "--json"))
    assert ring().signing
    assert (told["signing"], told["next"]) == (ring().signing.kid, None)  # type: ignore[union-attr]
    assert [key["state"] for key in told["keys"]] == ["active", "verify-only"]
    assert states(rotate("retire", "--json")) == ["active", "retired"]
    assert len(ring().verifying) == 2
    assert states(rotate("begin", "--json")) == ["active", "next"]  # what was retired is not listed for ever
    for file in directory.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert {file.name for file in directory.iterdir()} == {SIGNING, NEXT, LIST}


def test_each_step_can_be_called_again_and_is_one_event(rotate: Rotate) -> None:
    for step in ("begin --first", "begin", "switch", "retire"):
        told = [done(rotate(*step.split(), "--json")) for _ in range(3)]
        assert told[0] == told[1] == told[2], step
    assert key_events() == ["key.added", "key.added", "key.switched", "key.retired"]


@pytest.mark.parametrize(
    ("before", "step", "why"),
    [
        ((), "begin", "begin --first"),
        ((), "switch", "begin first"),
        ((), "retire", "nothing to retire"),
        (("begin --first",), "switch", "begin first"),
        (("begin --first",), "retire", "nothing to retire"),
        (("begin --first", "begin"), "retire", "switch first"),
        (("begin --first", "begin", "switch"), "begin", "retire"),
    ],
)
def test_a_step_out_of_turn_changes_nothing_and_names_the_one_that_is_due(
    rotate: Rotate, tmp_path: Path, before: tuple[str, ...], step: str, why: str
) -> None:
    for earlier in before:
        assert rotate(*earlier.split()).exit_code == 0
    files = {file.name: file.read_text() for file in (tmp_path / "keys").iterdir()}
    events = key_events()
    result = rotate(step)
    assert result.exit_code == 1
    assert why in result.output
    assert {file.name: file.read_text() for file in (tmp_path / "keys").iterdir()} == files
    assert key_events() == events


@pytest.mark.parametrize("step", ["begin --first", "begin", "switch", "retire"])
@pytest.mark.parametrize("broken", ["_replace", "_keep"])
def test_whatever_interrupts_a_step_the_next_call_ends_it(rotate: Rotate, step: str, broken: str) -> None:
    order = ["begin --first", "begin", "switch", "retire"]
    for earlier in order[: order.index(step)]:
        rotate(*earlier.split())
    with mock.patch.object(KeyDirectory, broken, side_effect=KeyboardInterrupt):
        rotate(*step.split())
    if broken == "_replace" and step != "switch":
        assert len(key_events()) == order.index(step)  # no file, no event
    result = rotate(*step.split(), "--json")
    assert len(done(result)["keys"]) == (1 if step == "begin --first" else 2)
    assert len(key_events()) == order.index(step) + 1


def test_files_that_are_no_keys_are_named(rotate: Rotate, tmp_path: Path) -> None:
    rotate("begin", "--first")
    for name in (SIGNING, LIST):
        kept = (tmp_path / "keys" / name).read_text()
        (tmp_path / "keys" / name).write_text("-----BEGIN nonsense")
        result = rotate("begin")
        assert result.exit_code == 1
        assert name in result.output
        assert "Traceback" not in result.output
        (tmp_path / "keys" / name).write_text(kept)
    assert rotate("status").exit_code == 0


def test_retire_waits_for_what_the_key_signed_or_says_what_dies(
    rotate: Rotate, tmp_path: Path, settings: Settings
) -> None:
    world: World = make_world(tmp_path)
    rotate("begin", "--first")
    settings.M1_KEYS = KeyRing().with_private_key((tmp_path / "keys" / SIGNING).read_text())
    token = world.preauthorize()
    rotate("begin")
    rotate("switch")
    result = rotate("retire")
    assert result.exit_code == 1
    assert str(token.jti) in result.output
    assert token.token not in result.output
    assert "--force" in result.output
    tokens.revoke(token.jti, person=world.ava, reason="The key changes.")
    assert rotate("retire").exit_code == 0


def test_a_token_is_listed_verified_and_revoked_with_who_and_why(site: Site, m1: M1) -> None:
    token = site.world.preauthorize(max_uses=1)
    other = steps.token_of(steps.approved(site.world))
    ava = site.world.ava
    assert [row["jti"] for row in told(m1("token", "list", "--kind", "execution", "--json", by=ava))] == [
        str(other.jti)
    ]
    assert {row["jti"] for row in told(m1("token", "list", "--state", "active", "--json"))} == {
        str(token.jti),
        str(other.jti),
    }
    assert told(m1("token", "verify", str(token.jti), "--json"))["isValid"]
    said = m1("token", "verify", str(token.jti))
    assert f"{token.jti} counts." in said.output
    assert "By demo, for riley." in said.output
    assert "revoked by ava: over" in m1("token", "revoke", str(token.jti), "--reason", "over").output
    said = m1("token", "verify", str(token.jti))
    assert said.exit_code == 1
    assert "does not count: it was revoked" in said.output
    (row,) = told(m1("token", "list", "--state", "revoked", "--json"))
    assert (row["revokedBy"], row["revocationReason"], row["state"]) == ("ava", "over", "revoked")
    assert told(m1("token", "list", "--state", "expired", "--json")) == []
    for part in token.token.split("."):
        assert part not in said.output + json.dumps(row)


def test_verify_tells_why_a_token_does_not_count(site: Site, settings: Settings) -> None:
    token, rest = site.world.preauthorize(max_uses=1), Rest(site.world.ava)

    def change(**fields: object) -> None:
        with steps.without_triggers():
            ApprovalToken.objects.filter(jti=token.jti).update(**fields)

    def why() -> tuple[bool, str, str]:
        found = rest.get(f"tokens/{token.jti}").json()
        return found["isValid"], found["why"], found["state"]

    assert why() == (True, "", "active")
    change(uses=1)
    assert why() == (False, "it has no uses left", "used")
    change(uses=0, scope='{"agents":["demo"],"requesters":["sam"],"tools":{},"when":[]}')
    assert why() == (False, "its row does not say what was signed", "active")
    change(scope=token.scope, person=site.world.sam)
    assert why() == (False, "it is not the token of its row", "active")
    change(person=site.world.ava)
    with mock.patch("audit.clock.now", lambda: token.expires_at):
        assert why() == (False, "it has expired", "expired")
    ring = settings.M1_KEYS
    listed = json.loads(key_list.write(ring.verifying))
    entry = {"key": listed[token.kid], "retired_at": "2020-01-01T00:00:00Z"}
    settings.M1_KEYS = key_list.parse(json.dumps({token.kid: entry}))
    assert why()[1] == "its key was retired at 2020-01-01 00:00:00 UTC"
    settings.M1_KEYS = KeyRing()
    assert why()[1] == "no key of M1 has its kid"
    settings.M1_KEYS = ring
    change(token=token.token[:-4])
    assert why()[1] == "its signature or form is not valid"


def test_a_token_of_somebody_else_is_not_there(site: Site) -> None:
    token = site.world.preauthorize()
    absent = site.riley.get("tokens/00000000-0000-0000-0000-000000000001")
    hidden = site.riley.get(f"tokens/{token.jti}")
    assert_problem(hidden, 404, "not_found")
    assert hidden.content == absent.content
