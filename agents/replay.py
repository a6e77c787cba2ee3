"""A draft of the policy on the calls of the past: whose outcome would be another one? Nothing is written."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from agents import past_calls
from agents.past_calls import PastCall
from agents.visibility import User, calls_visible_to
from audit import clock
from policy import sentences
from policy.documents import Document
from policy.engine import CompiledPolicy, evaluate
from policy.verdict import Outcome, Verdict

MAX_LISTED, MAX_WHY = 1_000, 2_000
NOTE = (
    "Each call is judged as it was first proposed, with the version of the tool that it was bound to and the groups "
    "that its requester is in today."
)


@dataclass(frozen=True, slots=True)
class Flip:
    """A call that the draft would have answered otherwise.

    was, would_be   in words: `denied`, `approval by 1 member of finance`
    why             the draft's reasons, as sentences
    """

    request_id: UUID
    tool: str
    headline: str
    at: datetime
    was: str
    would_be: str
    why: str


@dataclass(slots=True)
class Replay:
    """What a replay found; the counts are exact whatever is listed.

    judged       calls that came to the rules then, and that the draft has judged now: unchanged and flipped
    flips        those that the viewer may see, newest first, MAX_LISTED at most
    hidden       how many flipped that the viewer may not see
    not_judged   calls that no rule ever saw, by the code of what came before: invalid_arguments, halted, ...
    """

    since: datetime
    judged: int = 0
    unchanged: int = 0
    flipped: int = 0
    hidden: int = 0
    flips: list[Flip] = field(default_factory=list)
    not_judged: Counter[str] = field(default_factory=Counter)
    note: str = NOTE


def replay(document: Document, *, since: timedelta, viewer: User) -> Replay:
    """Return whose outcome would flip if the document were in force, among the calls proposed since then.

    An outcome flips from or to `denied`, with other requirements, or where a pre-authorisation that was used would not
    be taken any more. What a claim or an edit changed later plays no part.
    """
    policy = document.compiled()
    found = Replay(since=clock.now() - since)
    for batch in past_calls.batches(found.since):
        _judge(batch, policy, found, viewer)
    return found


def _judge(batch: Iterable[PastCall], policy: CompiledPolicy, found: Replay, viewer: User) -> None:
    flips: list[Flip] = []
    for call in batch:
        if call.proposal is None:
            found.not_judged[call.why_not] += 1
            continue
        found.judged += 1
        verdict = evaluate(call.proposal, policy)
        if _is_same(call, verdict):
            found.unchanged += 1
        else:
            flips.append(_flip(call, verdict))
    if flips:
        _list(flips, found, viewer)


def _list(flips: list[Flip], found: Replay, viewer: User) -> None:
    keys = [flip.request_id for flip in flips]
    visible = set(calls_visible_to(viewer).filter(pk__in=keys).values_list("pk", flat=True))
    found.flipped += len(flips)
    found.hidden += len(flips) - len(visible)
    room = MAX_LISTED - len(found.flips)
    found.flips += [flip for flip in flips if flip.request_id in visible][: max(room, 0)]


def _is_same(call: PastCall, verdict: Verdict) -> bool:
    if Outcome.DENIED in (call.outcome, verdict.outcome):
        return call.outcome == verdict.outcome
    takes_it = verdict.preauthorization or call.outcome != Outcome.PREAUTHORIZED
    return takes_it and call.requirements == frozenset(verdict.requirements)


def _flip(call: PastCall, verdict: Verdict) -> Flip:
    people = sentences.requirements(sorted(call.requirements, key=lambda one: sorted(one.groups)))
    before = {Outcome.DENIED: "denied", Outcome.PREAUTHORIZED: f"pre-authorised, in place of approval by {people}"}
    asked = f"approval by {sentences.requirements(verdict.requirements)}"
    if call.outcome == Outcome.PREAUTHORIZED and not verdict.preauthorization:
        asked += ", without a pre-authorisation"
    why = " ".join(reason.sentence for reason in verdict.reasons)
    return Flip(
        call.request_id, call.tool, call.headline, call.at, before.get(call.outcome, f"approval by {people}"),
        "denied" if verdict.outcome == Outcome.DENIED else asked, why[:MAX_WHY],
    )  # fmt: skip
