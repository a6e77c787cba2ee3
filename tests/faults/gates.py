"""Gates in the database: a transaction that comes to a shut one waits at its COMMIT until somebody opens it.

A gate is an advisory lock per step and goal of a run. A deferred constraint trigger takes it, shared, at the very end
of the transaction: all is written, nothing is committed.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

SPACE = 6_600  # of the advisory locks that are gates
STEPS = {
    "ask": ("agents_agentrun", "id", "INSERT", "true"),
    "propose": ("agents_turn", "run_id", "INSERT", "NEW.number = 1"),
    "decide": ("agents_toolcall", "run_id", "UPDATE", "OLD.status = 'pending' AND NEW.status = 'approved'"),
    "dispatch": ("agents_outbox", "key", "UPDATE", "NEW.task = 'agents.execute' AND NEW.attempts > OLD.attempts"),
    "claim": ("agents_toolcall", "run_id", "UPDATE", "OLD.status = 'approved' AND NEW.status = 'executing'"),
    "result": ("agents_toolcall", "run_id", "UPDATE", "OLD.status = 'executing' AND NEW.status = 'succeeded'"),
    "continue": ("agents_turn", "run_id", "INSERT", "NEW.number = 2"),
}
"""Table, column that leads to the run, kind of change, condition: the change that a step consists of."""
FUNCTION = f"""
    CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        found uuid := (to_jsonb(NEW) ->> TG_ARGV[1])::uuid;
        goal text := (SELECT run.goal FROM agents_agentrun AS run WHERE run.id = found OR run.id = (
            SELECT call.run_id FROM agents_toolcall AS call WHERE call.request_id = found));
    BEGIN
        PERFORM pg_advisory_xact_lock_shared({SPACE}, hashtext(TG_ARGV[0] || ' ' || goal));
        RETURN NULL;
    END $$"""
WAITING = """
    SELECT activity.client_port, activity.pid FROM pg_locks AS lock JOIN pg_stat_activity AS activity USING (pid)
    WHERE lock.locktype = 'advisory' AND NOT lock.granted
        AND lock.classid = %s AND lock.objid = (hashtext(%s)::bigint & 4294967295)::oid"""


def build(database_url: str) -> None:
    """Put a gate, which stands open, before each step."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(FUNCTION.encode())
        for step, (table, column, change, when) in STEPS.items():
            connection.execute(
                f"CREATE CONSTRAINT TRIGGER wait_at_gate_{step} AFTER {change} ON {table} DEFERRABLE INITIALLY DEFERRED"
                f" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION wait_at_gate('{step}', '{column}')".encode()
            )


class Gate:
    """One gate, shut from `with` on until `open`, the end of the block, or the end of the server."""

    def __init__(self, database_url: str, step: str, goal: str) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True)
        self._name = f"{step} {goal}"

    def open(self) -> None:
        """Let through whoever waits, and all who come later."""
        self._connection.close()

    def waiting(self) -> int | None:
        """Return the process that waits at the gate; None: nobody is there."""
        row = self._look()
        return behind(row[0], self._connection.info.port) if row else None

    def turn_away(self) -> None:
        """Undo the transaction of whoever waits: the server hears that a dead client is gone before it commits."""
        while row := self._look():
            self._connection.execute("SELECT pg_terminate_backend(%s, 5000)", [row[1]])

    def _look(self) -> tuple[int, int] | None:
        return self._connection.execute(WAITING, [SPACE, self._name]).fetchone()

    def __enter__(self) -> Self:
        self._connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [SPACE, self._name])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()


def behind(port: int, server_port: int) -> int | None:
    """Return the process whose connection from a port of loopback to another one this is."""
    ends = f":{port:04X}", f":{server_port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{line[9]}]" for line in lines if (line[1][-5:], line[2][-5:]) == ends}
    for descriptors in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(str(one.readlink()) in sockets for one in descriptors.iterdir()):
                return int(descriptors.parent.name)
        except OSError:  # it has ended, or it is somebody else's
            continue
    return None
