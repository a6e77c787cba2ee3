"""Publishing: what stops it, what it leaves behind, and that two people at once publish one version."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from audit import canonical
from audit.errors import M1Error
from audit.models import AuditEvent, AuditPayload
from m1site.accounts.models import User
from policy import documents, drafts, versions
from policy.errors import FourEyesError, NotAPersonError, PolicyRefusedError, StaleDraftError, StaleVersionError
from policy.models import PolicyVersion, Rule, RuleTest
from policy.publishing import MAX_OVERRIDDEN
from tests.world import POLICY as DEMO
from tests.world import World, make_world

ASK = {"review": {"requirements": [{"count": 1, "groups": ["approver"]}]}}
EXTRA: dict[str, Any] = {
    "name": "secrets-stay", "match": {"tools": ["files.read"]},
    "when": [{"argument": "path", "operator": "path_inside", "value": "secrets"}],
    "deny": {"message": "Not these."},
}  # fmt: skip
WARNED: dict[str, Any] = {"name": "ask-payments", "match": {"tools": ["payments.send"]}, **ASK}
WRONG: dict[str, Any] = {
    "name": "no-such-argument", "match": {"tools": ["files.read"]},
    "when": [{"argument": "pathh", "operator": "equals", "value": "a"}], "deny": {"message": "No."},
}  # fmt: skip


@pytest.fixture
def world(db: None, tmp_path: Path) -> World:
    return make_world(tmp_path)


def told(action: str) -> list[dict[str, Any]]:
    """Return the payloads of events, in order, with who and what they are about."""
    found = AuditEvent.objects.filter(action=action).order_by("xid", "id")
    bodies = [canonical.parse(bytes(AuditPayload.objects.get(event=event).body)) for event in found]
    return [
        {"actor": event.actor, "subject": event.subject, **body}
        for event, body in zip(found, bodies, strict=True)
        if isinstance(body, dict)
    ]


def refusal(publish: Callable[[], object]) -> PolicyRefusedError:
    before = PolicyVersion.objects.count()
    with pytest.raises(PolicyRefusedError) as error:
        publish()
    assert PolicyVersion.objects.count() == before
    return error.value


# What it leaves


def test_a_published_draft_is_in_force_and_the_next_draft_begins_from_it(world: World) -> None:
    drafts.read()
    drafts.save_rule(EXTRA, editor=world.author)
    drafts.set_note("Secrets stay.", editor=world.sam)
    said, text = drafts.document(), drafts.text()
    version = drafts.publish(publisher=world.ava, note="More stays.")
    assert versions.active() == version
    assert (version.number, version.author, version.publisher, version.note) == (2, world.sam, world.ava, "More stays.")
    assert (version.digest, version.document, version.overridden) == (documents.digest(said), text, [])
    assert canonical.digest(version.canonical.encode()) == version.digest
    draft = drafts.read()
    assert (draft.base, draft.text, list(draft.editors.all())) == (version, version.document, [])
    event = told("policy.published")[-1]
    editors = sorted([str(world.author.pk), str(world.sam.pk)])
    assert event == {
        "actor": f"user:{world.ava.pk}", "subject": "policy:2", "digest": version.digest, "note": "More stays.",
        "author": str(world.sam.pk), "editors": editors, "overridden": 0,
    }  # fmt: skip


def test_what_was_applied_is_published_word_for_word(world: World) -> None:
    text = "# Mind the archive.\n" + DEMO.replace("seven years, so", "eight years, so")
    drafts.apply(text, editor=world.sam)
    assert drafts.publish(publisher=world.ava).document == text


def test_the_same_request_again_publishes_nothing_more(world: World) -> None:
    key = uuid4()
    drafts.save_rule(EXTRA, editor=world.sam)
    first = drafts.publish(publisher=world.ava, request_key=key)
    assert drafts.publish(publisher=world.ava, request_key=key) == first
    assert PolicyVersion.objects.count() == 2


# What stops it


def test_a_failing_test_case_stops_it_whatever_reason_is_given(world: World) -> None:
    drafts.read()
    case = RuleTest.objects.get(name="the archive stays").value | {"expect": {"outcome": "needs_approval"}}
    drafts.save_test(case, editor=world.sam, was="the archive stays")
    error = refusal(lambda: drafts.publish(publisher=world.ava, override="It is urgent."))
    assert error.facts["failures"] == [{"case": "the archive stays", "problem": "expected needs_approval, got denied"}]
    assert "the archive stays" in str(error)


def test_an_error_of_lint_stops_it_whatever_reason_is_given(world: World) -> None:
    drafts.save_rule(WRONG, editor=world.sam)
    error = refusal(lambda: drafts.publish(publisher=world.ava, override="It is urgent."))
    [finding] = [one for one in findings_of(error) if one["isError"]]
    assert (finding["code"], finding["where"]) == ("unknown_argument", "rule no-such-argument")
    assert "pathh" in finding["problem"] and "override" not in str(error)


def test_a_warning_stops_it_until_it_is_overridden_with_a_reason(world: World) -> None:
    drafts.save_rule(WARNED, editor=world.sam)
    for reason in ("", " "):
        error = refusal(lambda: drafts.publish(publisher=world.ava, override=reason))  # noqa: B023
        assert [one["isError"] for one in findings_of(error)] == [False]
        assert "override it with a reason" in str(error)
    version = drafts.publish(publisher=world.ava, override="It comes tomorrow.")
    [kept] = version.overridden
    [finding] = findings_of(error)
    assert kept == {key: finding[key] for key in ("code", "where", "problem")} | {"reason": "It comes tomorrow."}
    assert told("policy.finding_overridden") == [
        {"actor": f"user:{world.ava.pk}", "subject": "policy:2"} | kept
    ]  # fmt: skip
    assert told("policy.published")[-1]["overridden"] == 1


def test_too_many_warnings_are_mended_and_not_overridden(world: World) -> None:
    rules = [WARNED | {"name": f"rule-{number}"} for number in range(MAX_OVERRIDDEN + 1)]
    drafts.apply(canonical.encode({"format": 1, "rules": rules}).decode(), editor=world.sam)
    assert "too many" in str(refusal(lambda: drafts.publish(publisher=world.ava, override="All of them.")))


def test_a_draft_that_says_nothing_new_is_not_published(world: World) -> None:
    drafts.apply("# A comment.\n" + DEMO, editor=world.sam)
    assert "policy 1" in str(refusal(lambda: drafts.publish(publisher=world.ava)))


def test_a_draft_without_a_rule_is_not_published(world: World) -> None:
    drafts.read()
    Rule.objects.all().delete()
    assert "no rule" in str(refusal(lambda: drafts.publish(publisher=world.ava, override="All is denied.")))


def test_a_draft_that_another_publication_went_past_does_not_undo_it(world: World) -> None:
    drafts.save_rule(EXTRA, editor=world.sam)
    versions.publish(DEMO.replace("demo's", "other"), author=world.author, publisher=world.ava)
    assert "policy 2" in str(refusal(lambda: drafts.publish(publisher=world.ava)))
    drafts.apply(drafts.text(), editor=world.sam)
    assert drafts.publish(publisher=world.ava).number == 3


def test_a_draft_that_moved_on_since_it_was_read_is_not_published(world: World) -> None:
    seen = drafts.save_rule(EXTRA, editor=world.sam).revision
    drafts.save_rule(WARNED, editor=world.author)
    with pytest.raises(StaleDraftError, match="author"):
        drafts.publish(publisher=world.ava, revision=seen)
    assert PolicyVersion.objects.count() == 1


# Four eyes


def test_nobody_who_wrote_a_part_publishes_it(world: World) -> None:
    drafts.read()
    publish = Permission.objects.get(codename="add_policyversion")
    for person in (world.ava, world.sam, world.riley):
        person.user_permissions.add(publish)
    User.objects.create(username="gone", is_active=False).user_permissions.add(publish)
    drafts.save_rule(EXTRA, editor=world.ava)
    drafts.set_note("Secrets stay.", editor=world.sam)
    for person in (world.ava, world.sam):
        with pytest.raises(FourEyesError) as error:
            drafts.publish(publisher=person)
        assert str(error.value).endswith("another person must: riley.")
    assert drafts.publish(publisher=world.riley).author == world.sam


def test_an_edit_that_was_taken_back_still_counts(world: World) -> None:
    drafts.save_rule(EXTRA, editor=world.ava)
    drafts.delete_rule("secrets-stay", editor=world.ava)
    drafts.save_rule(EXTRA, editor=world.sam)
    with pytest.raises(FourEyesError):
        drafts.publish(publisher=world.ava)


def test_a_return_to_an_earlier_version_takes_two_as_well(world: World) -> None:
    first = versions.active()
    drafts.save_rule(EXTRA, editor=world.sam)
    drafts.publish(publisher=world.ava)
    drafts.reset(editor=world.ava, version=first)
    with pytest.raises(FourEyesError):
        drafts.publish(publisher=world.ava)
    assert drafts.publish(publisher=world.sam).digest == PolicyVersion.objects.get(number=1).digest


def test_after_a_publication_everybody_may_edit_or_publish_again(world: World) -> None:
    drafts.save_rule(EXTRA, editor=world.sam)
    drafts.publish(publisher=world.ava)
    drafts.delete_rule("secrets-stay", editor=world.ava)
    assert drafts.publish(publisher=world.sam).author == world.ava


def test_two_eyes_are_enough_where_the_setting_says_so(world: World, settings: Any) -> None:
    settings.M1_POLICY_FOUR_EYES = False
    drafts.save_rule(EXTRA, editor=world.ava)
    assert drafts.publish(publisher=world.ava).author == world.ava


@pytest.mark.parametrize("editors", [["ava"], ["sam", "ava"]])
def test_a_document_has_all_its_editors_too(world: World, editors: list[str]) -> None:
    people = list(User.objects.filter(username__in=editors))
    with pytest.raises(FourEyesError):
        versions.publish(DEMO, author=world.author, publisher=world.ava, editors=people)


def test_programs_publish_nothing(world: World) -> None:
    robot = User.objects.create(username="robot", kind=User.Kind.SERVICE)
    drafts.save_rule(EXTRA, editor=world.sam)
    with pytest.raises(NotAPersonError):
        drafts.publish(publisher=robot)
    with pytest.raises(NotAPersonError):
        versions.publish(DEMO, author=robot, publisher=world.ava)
    assert PolicyVersion.objects.count() == 1


def test_no_event_no_policy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts.save_rule(EXTRA, editor=world.sam)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("policy.publishing.trail.append", broken)
    with pytest.raises(RuntimeError):
        drafts.publish(publisher=world.ava)
    assert PolicyVersion.objects.count() == 1
    assert drafts.read().editors.exists()


# At the same moment


def at_once(*work: Callable[[], object]) -> list[object]:
    """Run all in threads of their own from the same instant; return what each returned, or its refusal's code."""
    barrier, results = threading.Barrier(len(work)), [None for _ in work]

    def run(position: int) -> None:
        try:
            connection.ensure_connection()
            barrier.wait()
            results[position] = work[position]()  # type: ignore[call-overload]
        except M1Error as exc:
            results[position] = exc.code  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[position]) for position in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(results)


on_postgresql = pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL")
ROUNDS = 5


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_at_once_one_does_and_the_other_is_told(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    for number in range(2, ROUNDS + 2):
        seen = drafts.set_note(f"Note {number}.", editor=world.author).revision
        for revision in (seen, None):
            found = at_once(
                *(lambda who=who: drafts.publish(publisher=who, revision=revision).number  # type: ignore[misc]  # noqa: B023
                  for who in (world.ava, world.sam))
            )  # fmt: skip
            if revision is not None:
                assert sorted(found, key=str) == [number, "stale_draft"]
            else:
                assert found == ["policy_refused"] * 2
    assert PolicyVersion.objects.count() == AuditEvent.objects.filter(action="policy.published").count() == ROUNDS + 1


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_documents_published_at_once_none_takes_the_others_number(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    texts = [DEMO.replace("demo's", word) for word in ("first", "second")]
    for _ in range(ROUNDS):
        count = PolicyVersion.objects.count()
        found = at_once(
            *(lambda text=text: versions.publish(text, author=world.author, publisher=world.ava).number  # type: ignore[misc]
              for text in texts)
        )  # fmt: skip
        assert set(map(str, found)) <= {str(count + 1), str(count + 2), StaleVersionError.code}
        numbers = [one for one in found if isinstance(one, int)]
        assert len(set(numbers)) == len(numbers) == PolicyVersion.objects.count() - count > 0


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_who_edit_what_they_both_saw_one_does_and_the_other_is_told(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    for number in range(ROUNDS):
        seen = drafts.read().revision
        found = at_once(
            lambda: drafts.set_note(f"Ava {number}.", editor=world.ava, revision=seen).revision,  # noqa: B023
            lambda: drafts.save_rule(EXTRA | {"name": f"sam-{number}"}, editor=world.sam, revision=seen).revision,  # noqa: B023
        )
        assert sorted(found, key=str) == [seen + 1, "stale_draft"]


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_an_edit_never_slips_into_a_publication(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    drafts.read()
    for number in range(ROUNDS):
        drafts.set_note(f"Note {number}.", editor=world.author)
        when = [{"argument": "path", "operator": "path_inside", "value": f"sam-{number}"}]
        rule = EXTRA | {"name": f"sam-{number}", "when": when}
        edited, published = at_once(
            lambda: drafts.save_rule(rule, editor=world.sam).revision,  # noqa: B023
            lambda: drafts.publish(publisher=world.ava),
        )
        assert isinstance(published, PolicyVersion) and isinstance(edited, int)
        event, before = told("policy.published")[-1], PolicyVersion.objects.get(number=published.number - 1)
        is_sams = published.document.count("sam-") > before.document.count("sam-")
        assert (str(world.sam.pk) in event["editors"]) == is_sams
        assert published.author == (world.sam if f"sam-{number}" in published.document else published.author)


def findings_of(error: PolicyRefusedError) -> list[dict[str, Any]]:
    found = error.facts["findings"]
    assert isinstance(found, list)
    return found
