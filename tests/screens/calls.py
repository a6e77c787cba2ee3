"""Tool calls of every kind that a screen must be able to bear: honest, long, hostile, right to left, gone wrong."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from agents.models import AgentRun, ToolCall
from audit import clock
from policy.models import PolicyCheck, PolicyVersion, ToolVersion
from tests.factories import make_run, make_tool_call, make_tool_version
from tests.world import World

REFUND = {"order": "1001", "amount": "42.00", "currency": "EUR", "card": "4242 4242 4242 4242", "notify": True}
DIFF = """--- a/reports/may.txt
+++ b/reports/may.txt
@@ -1,5 +1,6 @@
 # Report for May
 
-Two invoices are open.
+Three invoices are open, 1,284.00 EUR in all.
+The oldest is 41 days old.
 
 Prepared for Ava Lindqvist."""
HOSTILE = (
    "APPROVED by admin. \u202etxt.exe\u202c zero\u200bwidth \u0430pple.example <script>alert(1)</script> "
    "<img src=https://evil.example/x.png> [click me](https://evil.example) **urgent**"
)
ARABIC = "أرسل التقرير الشهري إلى العميل في القاهرة قبل يوم الخميس، واحذف المسودة القديمة من مجلد «تقارير»."
HEBREW = "שלח את הדוח החודשי ללקוח לפני יום חמישי."
SETTINGS = {f"setting_{n:02}": {"replicas": n * 4, "zone": f"eu-west-{n}", "labels": ["a" * 40] * 3} for n in range(9)}
LONG_NAME = "infrastructure.kubernetes.production.deployments.scale"


TYPES = {"notify": "boolean", "flag": "boolean", "deep": "object", "to": "array", **dict.fromkeys(SETTINGS, "object")}


def schema(*names: str) -> dict[str, Any]:
    """Return the schema of a tool whose arguments are these: texts, unless TYPES says otherwise."""
    properties = {name: {"type": TYPES.get(name, "string")} for name in names}
    return {"type": "object", "properties": properties, "additionalProperties": False, "required": list(names[:2])}


def refund_tool() -> ToolVersion:
    """Return a tool that moves money: high risk, external, not to be undone, with a sensitive argument."""
    return make_tool_version(
        "payments.refund", schema=schema(*REFUND), description="Send money back to the card of an order.", risk="high",
        external=True, headline="Refund {amount} {currency} to order {order}", sensitive_arguments=["card"],
    )  # fmt: skip


def scale_tool() -> ToolVersion:
    """Return a tool of the highest risk, with a long name."""
    return make_tool_version(LONG_NAME, risk="critical", schema=schema(*SETTINGS))


def write_tool() -> ToolVersion:
    """Return a tool that writes files: medium risk, and what it did can be undone."""
    names = ("path", "content", "to", "subject", "deep", "flag", "password", "markup")
    return make_tool_version(schema=schema(*names), reversible_with="files.write", sensitive_arguments=["password"])


def ask(run: AgentRun, minutes: int, left: int, version: ToolVersion, **fields: Any) -> ToolCall:
    """Return a call that has waited for some minutes and expires in so many."""
    now = clock.now()
    made, until = now - timedelta(minutes=minutes), now + timedelta(minutes=left)
    return make_tool_call(run=run, version=version, created_at=made, expires_at=until, **fields)


def waiting(world: World) -> Mapping[str, ToolCall]:
    """Make what waits for people, by a name for each."""

    def run(goal: str) -> AgentRun:
        return make_run(requester=world.riley, agent=world.agent, goal=goal, cost_usd="0.4182", budget_usd=5)

    write = write_tool()
    preview = {"kind": "diff", "summary": "Replaces 1,204 bytes by 1,532 bytes", "body": DIFF}
    return {
        "refund": ask(
            run("Settle the returns of last week."), 7, 53, refund_tool(), arguments=REFUND, needed=2,
            headline="Refund 42.00 EUR to order 1001", groups=("approver", "finance"),
            reason="The return arrived on Tuesday and was checked in without damage. Our policy promises the money "
            "back within five working days; this is the fourth.",
        ),
        "write": ask(
            run("Write the report for May, and nothing else."), 12, 220, write,
            arguments={"path": "reports/may.txt", "content": DIFF}, preview=json.dumps(preview), preview_state="ready",
        ),
        "hostile": ask(
            run(f"Write the report. {HOSTILE}"), 3, 28, write, headline="Write reports/\u202egnp.exe", reason=HOSTILE,
            arguments={
                "path": "reports/\u202egnp.exe", "content": "Dear pаypal,\n" + "line of the report\n" * 80,
                "to": ["ada@example.com", "eve\u200b@example.org"], "deep": {"a": [1, 2, {"b": None}]}, "flag": True,
                "password": "hunter2", "markup": HOSTILE,
            },
        ),
        "rtl": ask(
            run(ARABIC), 21, 95, write, headline="Write تقارير/مايو.txt", reason=HEBREW,
            arguments={"path": "تقارير/مايو.txt", "content": f"{ARABIC}\n\n{HEBREW}", "subject": "דוח חודשי, May 2026"},
        ),
        "long": ask(
            run("Keep the shop fast during the sale. " * 20), 44, 16, scale_tool(),
            headline="Scale the deployment checkout-gateway-european-union-west-one-blue in the namespace "
            "production-storefront from 12 to 48 replicas until the end of the sale",
            arguments=SETTINGS,
            reason="Traffic rises. " * 60,
        ),
    }  # fmt: skip


def give_reason(call: ToolCall, sentence: str) -> None:
    """Have a call say what policy in force answered, as one that policy really saw does."""
    facts = {"request_id": call.pk, "tool_name": call.tool_name, "created_at": call.created_at, "microseconds": 40}
    reason = {"rule": "refunds", "sentence": sentence, "effect": "review", "code": "rule_asks_review"}
    row = PolicyCheck.objects.create(
        phase="proposal", arguments_digest=call.arguments_digest, outcome="needs_approval",
        verdict={"reasons": [reason]}, policy_version=PolicyVersion.objects.latest("number"), **facts,
    )  # fmt: skip
    ToolCall.objects.filter(pk=call.pk).update(check_row=row)


def ended(world: World) -> Mapping[str, ToolCall]:
    """Make calls that came to rest, or that nobody knows the end of."""

    def call(status: str, headline: str, **fields: Any) -> ToolCall:
        run = make_run(requester=world.riley, agent=world.agent, goal=f"{headline}, and say when it is done.")
        return make_tool_call(status, run=run, headline=headline, **{"version": write_tool(), **fields})

    return {
        "lost": call("lost", "Refund 18.50 EUR to order 0987", version=refund_tool(), arguments=REFUND),
        "running": call("executing", "Refund 12.00 EUR to order 0991", version=refund_tool(), arguments=REFUND),
        "failed": call("failed", "Write reports/april.txt"),
        "denied": call("denied", "Delete archive/ledger.csv", note="The archive is kept for seven years."),
        "expired": call("expired", "Write reports/march.txt"),
    }
