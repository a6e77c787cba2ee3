"""What a notification says: who asks for what, how risky it is, until when, and where to look. Plain text, pure.

Nothing that an agent wrote can become a link, a mention, markup or a second line: what would be one is written
otherwise. Arguments, the agent's reason and anything that decides by itself are never in it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from policy.reveal import reveal
from policy.scripts import mixed_scripts

MOST_CHARACTERS, MOST_LINES = 160, 10
RISKS = ("critical", "high", "medium", "low")
_LOOK_ALIKES = str.maketrans({"<": "‹", ">": "›", "*": "∗", "~": "∼", "|": "¦", "`": "ˋ"})
_SPACES = re.compile(" {3,}")
_MENTION = re.compile(r"(?<![\w.+-])@|@(?=(?:all|channel|everyone|group|here|room)\b)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\w.+/:-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++(?![/?#@]|:\S)")  # of mail: it opens no page
_DOT = re.compile(r"(?<=\w)[.。．｡](?=[^\W\d_])")
_ENDING = re.compile(
    r"\.(?:cfg|conf|csv|docx?|gif|html?|ini|jpe?g|json|log|pdf|png|sql|toml|tsv|txt|xlsx?|xml|ya?ml)(?![\w.-])", re.I
)
_UNDERLINE = re.compile(r"(?<!\w)_+|_+(?!\w)")
_NEWS = {
    "asked": ("asks for a decision", "waits for a decision"),
    "reminded": ("reminds you of a decision", "still waits for a decision"),
    "escalated": ("asks further people for a decision", "was escalated; further groups are asked"),
    "broken_glass": ("was told to break the glass", "was approved by one person alone"),
    "lost": ("has lost a tool call", "is lost; whether the tool has acted is not known"),
}
_DECIDED = frozenset({"broken_glass", "lost"})


@dataclass(frozen=True, slots=True)
class Item:
    """One call that there is something to tell about.

    kind        one of Notification.Kind
    headline    as it is stored: sensitive values are masked already
    by          who broke the glass
    """

    request_id: UUID
    kind: str
    headline: str
    risk: str
    agent: str
    requester: str
    expires_at: datetime | None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the title is M1's own words only."""

    title: str
    body: str


def compose(items: Sequence[Item], url: str, *, may_be_repeated: bool = False) -> Message:
    """Return one message about one or many calls, riskiest first; several happenings of a call are told as its last.

    items             oldest first, at least one
    url               M1_URL, without a slash at its end
    may_be_repeated   an earlier attempt may have arrived; the reader is told so
    """
    last = {item.request_id: item for item in items}.values()
    ordered = sorted(last, key=_rank)
    title, lines = _one(ordered[0], url) if len(ordered) == 1 else _many(ordered, url)
    if may_be_repeated:
        lines += ["", "This is sent again: the first time it may have reached you as well."]
    return Message(title, "\n".join(lines))


def disarm(text: str) -> str:
    """Return one bounded line that no service takes for a link, a mention or markup; what is hidden is marked."""
    shown = text[:MOST_CHARACTERS]
    line = reveal(_SPACES.sub(lambda run: f" ⟦{len(run[0])} spaces⟧ ", shown), one_line=True).translate(_LOOK_ALIKES)
    line = line.replace("://", ": //").replace("](", "] (")
    line = _without_hosts(_UNDERLINE.sub(lambda run: "＿" * len(run[0]), _MENTION.sub("＠", line)))
    more = len(text) - len(shown)
    line += " ⟦mixes alphabets⟧" if mixed_scripts(shown) else ""
    return line + (f" … ({more} more characters are on the page)" if more else "")


def _without_hosts(line: str) -> str:
    """Break names that a mail or chat program would make a link of; mail addresses and common kinds of files stay."""
    kept = {place for address in _ADDRESS.finditer(line) for place in range(*address.span())}
    kept |= {ending.start() for ending in _ENDING.finditer(line)}
    return _DOT.sub(lambda dot: dot[0] if dot.start() in kept else "[.]", line)


def _one(item: Item, url: str) -> tuple[str, list[str]]:
    verb, state = _NEWS[item.kind]
    lines = [f"Tool call: {disarm(item.headline)}", f"It {state}.", f"Risk: {item.risk}", _asker(item)]
    if item.by:
        lines.append(f"Approved by: {disarm(item.by)}")
    is_open = item.kind not in _DECIDED
    lines += [until] if (until := _until(item)) else []
    way = "Look at it and decide, signed in" if is_open else "Look at it, signed in"
    return f"M1 {verb} ({item.risk} risk)", [*lines, "", f"{way}: {url}/approvals/{item.request_id}/"]


def _many(items: Sequence[Item], url: str) -> tuple[str, list[str]]:
    ended = sum(item.kind in _DECIDED for item in items)
    counts = [_count(len(items) - ended, "decision", "asked for"), _count(ended, "call", "to look at")]
    worst = items[0].risk
    lines = [part for item in items[:MOST_LINES] for part in _short(item, url)]
    if len(items) > MOST_LINES:
        lines += [f"And {len(items) - MOST_LINES} more.", ""]
    return f"M1: {', '.join(filter(None, counts))} (up to {worst} risk)", [
        *lines,
        f"All that wait for you, signed in: {url}/",
    ]


def _count(number: int, what: str, how: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'} {how}" if number else ""


def _short(item: Item, url: str) -> list[str]:
    return [
        f"Tool call: {disarm(item.headline)}",
        " · ".join(filter(None, [f"It {_NEWS[item.kind][1]}", f"Risk: {item.risk}", _asker(item), _until(item)])),
        f"{url}/approvals/{item.request_id}/",
        "",
    ]


def _until(item: Item) -> str:
    at = None if item.kind in _DECIDED else item.expires_at
    return f"Expires: {at.day} {at:%B %Y, %H:%M} UTC" if at else ""


def _asker(item: Item) -> str:
    return f"Asked by: agent {disarm(item.agent)}, for {disarm(item.requester)}"


def _rank(item: Item) -> tuple[int, bool, float]:
    until = item.expires_at.timestamp() if item.expires_at else 0.0
    return RISKS.index(item.risk) if item.risk in RISKS else 0, item.kind not in _DECIDED, until
