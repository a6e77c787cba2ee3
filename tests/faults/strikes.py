"""What goes wrong while calls are held at their steps: strike, let go, mend."""

import os
import signal
from collections.abc import Callable, Sequence

from tests.faults.client import is_away
from tests.faults.site import WAIT_SECONDS, WORKERS, Site
from tests.faults.steps import Held, let_go
from tests.killing import below, is_alive
from tests.people import until

DELIVERIES = 100


def workers(site: Site, held: Sequence[Held]) -> None:
    """Kill -9 planner and executor, main processes and pools at once, as a power cut does; nothing is committed."""
    for name in WORKERS:
        _kill(site, name)
    let_go(site, held, undo=True)
    for name in WORKERS:
        site.m1.children[name].start()


def process(site: Site, held: Sequence[Held]) -> None:
    """Kill -9 the very processes that are at the steps, pool children and web workers, once COMMIT has been sent."""
    web = site.m1.children["web"].process
    doomed = {one.process for one in held if one.process}
    if web and any(one.step == "publish" for one in held):
        doomed |= set(below(web.pid))  # which of them publishes is not known
    for pid in doomed:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(map(is_alive, doomed)), what=f"the end of {doomed}")
    let_go(site, held)


def web(site: Site, held: Sequence[Held]) -> None:
    """Kill -9 the web server, main process and all; nothing is committed."""
    _kill(site, "web")
    let_go(site, held, undo=True)
    site.m1.children["web"].start()


def _kill(site: Site, name: str) -> None:
    """Kill -9 a process with all below it, and wait for the end of each."""
    main = site.m1.children[name].process
    doomed = [main.pid, *below(main.pid)] if main else []
    site.m1.children[name].kill()
    until(lambda: not any(map(is_alive, doomed)), WAIT_SECONDS, what=f"the end of {doomed}")


def postgres(site: Site, held: Sequence[Held]) -> None:
    """Stop PostgreSQL without warning: whatever is not committed is gone. REST says so while it is away."""
    site.postgres.end(signal.SIGQUIT)
    let_go(site, held)
    answer = site.client.visitor("riley").post("runs", {"goal": "Nobody hears it", "agent": "counter"})
    assert is_away(answer), (answer.status, answer.text)
    assert site.client.visitor("riley").get("/health").status == 503
    site.postgres.begin_again()


def crash(site: Site, held: Sequence[Held]) -> None:
    """Kill -9 PostgreSQL's main process."""
    site.postgres.end(signal.SIGKILL)
    let_go(site, held)
    site.postgres.begin_again()


def broker(site: Site, held: Sequence[Held]) -> None:
    """Kill -9 Redis. What people ask for is still taken: it comes back when they have their answers."""
    site.stop_redis()
    let_go(site, held)
    for one in held:
        if one.work:
            one.work.result(WAIT_SECONDS)
    site.start_redis()


def flush(site: Site, held: Sequence[Held]) -> None:
    """Throw away whatever the broker holds."""
    site.freeze_redis(thaw=True)
    site.flush_redis()
    let_go(site, held)
    site.flush_redis()


def deliver(site: Site, held: Sequence[Held]) -> None:
    """Deliver each step's message a hundred times to eight executors or four planners, half while it is held."""
    site.freeze_redis(thaw=True)
    _deliver(site, held)
    let_go(site, held)
    _deliver(site, held)


def _deliver(site: Site, held: Sequence[Held]) -> None:
    for _ in range(DELIVERIES // 2):
        for one in held:
            if one.request_id and one.step != "continue":
                site.stranger.send_task("agents.execute", args=[one.request_id], queue="executor")
            elif one.run:
                site.stranger.send_task("agents.plan", args=[one.run], queue="planner")


STRIKES: dict[str, Callable[[Site, Sequence[Held]], None]] = {
    "workers killed": workers,
    "process killed": process,
    "web killed": web,
    "PostgreSQL stopped": postgres,
    "PostgreSQL killed": crash,
    "Redis killed": broker,
    "Redis flushed": flush,
    "delivered 100 times": deliver,
}
