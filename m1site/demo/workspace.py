"""The files that the demo's agent works on; scenario.yaml speaks of them."""

from datetime import date, timedelta
from pathlib import Path

REFUND_POLICY = """\
# Refunds

- A return is checked on the day it arrives.
- An approved refund is told to the customer on the same day, by e-mail.
- The money goes back to the card that was used, within five working days.
- Send such mail from the shop's address; do not promise a date that the bank decides.
"""
ORDER = """\
Order        1001
Customer     customer@example.com
Item         1 desk lamp, brass
Paid         EUR 84.50, by card

Return       arrived, undamaged
Refund       approved, EUR 84.50
Customer     not told yet
"""
DRAFT = """\
DRAFT of an earlier day, before the return was weighed

Order        1001
Customer     customer@example.com
Refund       EUR 48.50
"""
LEDGER_BEGINS = date(2019, 1, 1)
LEDGER_DAYS = 365


def fill(root: Path) -> None:
    """Write the files into an empty workspace."""
    files = {
        "notes/refund-policy.md": REFUND_POLICY,
        "orders/1001.txt": ORDER,
        "orders/1001-draft.txt": DRAFT,
        "archive/ledger.csv": ledger(),
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def ledger() -> str:
    """Return a year of takings: the largest file of the workspace, and the oldest."""
    rows = (f"{LEDGER_BEGINS + timedelta(days)},{2000 + days},{takings(days)}" for days in range(LEDGER_DAYS))
    return "\n".join(["date,receipt,amount_eur", *rows, ""])


def takings(day: int) -> str:
    """Return an amount that looks like trade and is the same on every machine."""
    return f"{120 + day * 7919 % 380}.{day * 104_729 % 100:02d}"
