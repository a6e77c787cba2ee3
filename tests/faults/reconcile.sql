-- What must be true of M1's tables and of the effects that an outside server counted. Each query returns the subject of
-- a violation and a detail; none returns anything where M1 kept its promises. Parameters, each JSON: %(effects)s is
-- {request id: count}, %(accepted)s is {"runs": [...], "calls": [...], "votes": [[request id, username, answer], ...]},
-- %(counted)s is the list of tools whose every success is one effect.

-- rule effect_twice: A call had more than one effect.
SELECT effect.key, effect.value || ' effects'
FROM json_each_text(%(effects)s) AS effect WHERE effect.value::int > 1;

-- rule effect_without_execution: Something had an effect that no worker had claimed.
SELECT effect.key, coalesce('the call is ' || call.status, 'there is no such call')
FROM json_each_text(%(effects)s) AS effect
LEFT JOIN agents_toolcall AS call ON call.request_id::text = effect.key
LEFT JOIN agents_execution AS execution ON execution.call_id = call.request_id
WHERE effect.value::int > 0 AND (execution.call_id IS NULL
    OR call.status NOT IN ('executing', 'succeeded', 'failed', 'lost', 'cancelled'));

-- rule success_without_effect: A call succeeded, by itself, and nothing happened.
SELECT call.request_id, 'tool ' || call.tool_name
FROM agents_toolcall AS call JOIN agents_execution AS execution ON execution.call_id = call.request_id
WHERE call.status = 'succeeded' AND execution.settled_by_id IS NULL
    AND call.tool_name IN (SELECT json_array_elements_text(%(counted)s))
    AND NOT EXISTS (SELECT FROM json_each_text(%(effects)s) AS effect
                    WHERE effect.key = call.request_id::text AND effect.value::int = 1);

-- rule executed_without_token: Nothing signed stands behind an execution, or it was for something else, or too old.
SELECT call.request_id, coalesce('token ' || token.jti || ', ' || token.kind, 'no token')
FROM agents_execution AS execution JOIN agents_toolcall AS call ON call.request_id = execution.call_id
LEFT JOIN policy_approvaltoken AS token ON token.jti = execution.token_id
WHERE token.jti IS NULL
    OR execution.started_at < token.issued_at OR execution.started_at >= token.expires_at
    OR (token.revoked_at <= execution.started_at)
    OR (token.kind = 'execution' AND (token.used_at IS NULL OR token.uses <> 1
        OR token.request_id <> call.request_id OR token.round <> call.round
        OR token.scope::json ->> 'argumentsDigest' <> call.arguments_digest))
    OR (token.kind = 'preauthorization' AND NOT EXISTS (SELECT FROM policy_preauthorizationuse AS use
        WHERE use.token_id = token.jti AND use.request_id = call.request_id AND use.round = call.round));

-- rule execution_disagrees: A call's status says that a worker claimed it, and no row says so; or the other way round.
SELECT call.request_id, call.status || CASE WHEN execution.call_id IS NULL THEN ', no execution' ELSE ', executed' END
FROM agents_toolcall AS call LEFT JOIN agents_execution AS execution ON execution.call_id = call.request_id
WHERE (execution.call_id IS NULL AND call.status IN ('executing', 'succeeded', 'lost'))
    OR (execution.call_id IS NOT NULL AND call.status NOT IN ('executing', 'succeeded', 'failed', 'lost', 'cancelled'));

-- rule token_used_for_nothing: A token was used up, and nothing was executed on it.
SELECT token.jti, 'request ' || token.request_id
FROM policy_approvaltoken AS token
WHERE token.kind = 'execution' AND (token.used_at IS NOT NULL OR token.uses > 0)
    AND NOT EXISTS (SELECT FROM agents_execution AS execution WHERE execution.token_id = token.jti);

-- rule uses_not_counted: A pre-authorisation's uses are not those on record, or too many.
SELECT token.jti, token.uses || ' counted, ' || count(use.id) || ' on record, ' || token.max_uses || ' allowed'
FROM policy_approvaltoken AS token LEFT JOIN policy_preauthorizationuse AS use ON use.token_id = token.jti
WHERE token.kind = 'preauthorization'
GROUP BY token.jti HAVING token.uses <> count(use.id) OR token.uses > token.max_uses;

-- rule too_few_people: Fewer people said yes to an executed call than its round asked for.
SELECT call.request_id, coalesce(asked.people, 0) || ' asked, ' || coalesce(said.people, 0) || ' said yes'
FROM agents_execution AS execution JOIN agents_toolcall AS call ON call.request_id = execution.call_id
LEFT JOIN (SELECT call_id, round, sum(count) AS people FROM agents_requirement GROUP BY call_id, round) AS asked
    ON asked.call_id = call.request_id AND asked.round = call.round
LEFT JOIN (SELECT call_id, round, count(DISTINCT person_id) AS people, bool_or(kind = 'break_glass') AS broke_glass
           FROM agents_decision AS vote WHERE answer = 'approve' AND digest_seen = (
               SELECT arguments_digest FROM agents_toolcall WHERE request_id = vote.call_id)
           GROUP BY call_id, round) AS said
    ON said.call_id = call.request_id AND said.round = call.round
WHERE coalesce(said.people, 0) < greatest(1, coalesce(asked.people, 0)) AND NOT coalesce(said.broke_glass, false);

-- rule own_request: Somebody said yes to their own request, and no rule had allowed it.
SELECT call.request_id, vote.person_name
FROM agents_execution AS execution JOIN agents_toolcall AS call ON call.request_id = execution.call_id
JOIN agents_agentrun AS run ON run.id = call.run_id
JOIN agents_decision AS vote ON vote.call_id = call.request_id AND vote.round = call.round AND vote.answer = 'approve'
WHERE vote.person_id = run.requester_id AND NOT (call.allow_self AND vote.is_self_approval);

-- rule executed_something_else: The arguments on record are not those that were approved.
SELECT call.request_id, coalesce(revision.digest, 'no revision')
FROM agents_execution AS execution JOIN agents_toolcall AS call ON call.request_id = execution.call_id
LEFT JOIN agents_toolcallrevision AS revision ON revision.call_id = call.request_id AND revision.number = call.revision
WHERE revision.digest IS DISTINCT FROM call.arguments_digest
    OR encode(sha256(revision.arguments), 'hex') <> call.arguments_digest;

-- rule vote_without_event: Decisions and the trail do not agree on who voted.
SELECT coalesce(vote.subject, told.subject), coalesce(vote.votes, 0) || ' votes, ' || coalesce(told.votes, 0) || ' events'
FROM (SELECT 'tool_call:' || call_id AS subject, 'user:' || person_id AS actor, count(*) AS votes
      FROM agents_decision WHERE kind <> 'preauthorization' GROUP BY call_id, person_id) AS vote
FULL JOIN (SELECT subject, actor, count(*) AS votes FROM audit_auditevent
           WHERE action = 'tool_call.vote' AND id NOT IN (SELECT event_id FROM audit_auditpayload
               WHERE convert_from(body, 'UTF8')::json ->> 'kind' = 'preauthorization')
           GROUP BY subject, actor) AS told
    ON told.subject = vote.subject AND told.actor = vote.actor
WHERE vote.votes IS DISTINCT FROM told.votes;

-- rule event_without_body: An event's payload is missing.
SELECT event.subject, event.action || ' ' || event.id
FROM audit_auditevent AS event LEFT JOIN audit_auditpayload AS payload ON payload.event_id = event.id
WHERE payload.event_id IS NULL;

-- rule token_event_missing: A token's use or issue is on record once, or not as the row has it.
SELECT token.jti, token.kind
FROM policy_approvaltoken AS token
WHERE (SELECT count(*) FROM audit_auditevent AS event WHERE event.subject = 'token:' || token.jti
           AND event.action IN ('token.issued', 'preauthorization.issued')) <> 1
    OR (SELECT count(*) FROM audit_auditevent AS event WHERE event.subject = 'token:' || token.jti
           AND event.action IN ('token.consumed', 'preauthorization.used')) <> token.uses;

-- rule approved_and_forgotten: An approved call is in no outbox, so that nobody will ever take it.
SELECT call.request_id, 'approved at ' || call.approved_at
FROM agents_toolcall AS call
WHERE call.status = 'approved'
    AND NOT EXISTS (SELECT FROM agents_outbox AS row WHERE row.task = 'agents.execute' AND row.key = call.request_id);

-- rule run_forgotten: A run is to be planned, nobody is at it, and it is in no outbox.
SELECT run.id, run.status FROM agents_agentrun AS run
WHERE run.status = 'planning' AND run.lease_until IS NULL
    AND NOT EXISTS (SELECT FROM agents_outbox AS row WHERE row.task = 'agents.plan' AND row.key = run.id);

-- rule turn_twice: A run's turns are not one each, or not those that its row and the trail count.
SELECT run.id, run.turn_count || ' counted, ' || count(turn.id) || ' turns, ' || (
    SELECT count(*) FROM audit_auditevent AS event
    WHERE event.subject = 'run:' || run.id AND event.action = 'turn.recorded') || ' events'
FROM agents_agentrun AS run LEFT JOIN agents_turn AS turn ON turn.run_id = run.id
GROUP BY run.id HAVING run.turn_count <> count(turn.id) OR run.turn_count <> count(DISTINCT turn.number)
    OR coalesce(max(turn.number), 0) <> run.turn_count OR run.turn_count <> (
    SELECT count(*) FROM audit_auditevent AS event
    WHERE event.subject = 'run:' || run.id AND event.action = 'turn.recorded');

-- rule run_ended_differently: A run's end is not on record exactly once, or it has an end and goes on.
SELECT run.id, run.status || ', ' || count(event.id) || ' ends'
FROM agents_agentrun AS run LEFT JOIN audit_auditevent AS event ON event.subject = 'run:' || run.id
    AND event.action IN ('run.completed', 'run.failed', 'run.cancelled')
GROUP BY run.id HAVING count(event.id) <> (run.status IN ('completed', 'failed', 'cancelled'))::int
    OR bool_or(event.action <> 'run.' || run.status);

-- rule run_ended_over_open_calls: A run has ended, and a call of it waits for people or workers.
SELECT call.request_id, 'the call is ' || call.status || ', the run ' || run.status
FROM agents_toolcall AS call JOIN agents_agentrun AS run ON run.id = call.run_id
WHERE run.status IN ('completed', 'failed', 'cancelled') AND call.status IN ('proposed', 'pending', 'approved');

-- rule accepted_run_lost: REST had answered that there is this run.
SELECT accepted.id, 'no such run'
FROM json_array_elements_text(%(accepted)s -> 'runs') AS accepted(id)
WHERE NOT EXISTS (SELECT FROM agents_agentrun AS run WHERE run.id::text = accepted.id)
    OR NOT EXISTS (SELECT FROM audit_auditevent WHERE action = 'run.created' AND subject = 'run:' || accepted.id);

-- rule accepted_call_lost: REST had answered that there is this call.
SELECT accepted.id, 'no such call'
FROM json_array_elements_text(%(accepted)s -> 'calls') AS accepted(id)
WHERE NOT EXISTS (SELECT FROM agents_toolcall AS call WHERE call.request_id::text = accepted.id);

-- rule accepted_vote_lost: REST had answered that this person's answer is on record.
SELECT accepted.vote ->> 0, (accepted.vote ->> 1) || ' ' || (accepted.vote ->> 2)
FROM json_array_elements(%(accepted)s -> 'votes') AS accepted(vote)
WHERE NOT EXISTS (SELECT FROM agents_decision AS vote JOIN accounts_user AS person ON person.id = vote.person_id
    WHERE vote.call_id::text = accepted.vote ->> 0 AND person.username = accepted.vote ->> 1
    AND vote.answer = accepted.vote ->> 2);

-- at rest call_restless: A call should have come to rest by now.
SELECT call.request_id, call.status FROM agents_toolcall AS call
WHERE call.status IN ('proposed', 'executing')
    OR (call.status IN ('approved', 'pending') AND call.expires_at <= clock_timestamp())
    OR (call.status = 'approved' AND NOT EXISTS (SELECT FROM agents_halt WHERE lifted_at IS NULL));

-- at rest run_restless: A run should have come to rest by now.
SELECT run.id, run.status || ' ' || run.waiting_for FROM agents_agentrun AS run
WHERE run.status = 'planning' OR (run.status = 'waiting' AND run.waiting_for = 'calls' AND NOT EXISTS (
    SELECT FROM agents_toolcall AS call
    WHERE call.run_id = run.id AND call.status IN ('pending', 'approved', 'executing', 'lost')));

-- at rest outbox_not_empty: Something is still to be done for a run or a call that rests. (Telling people is not counted.)
SELECT row.key, row.task FROM agents_outbox AS row
WHERE row.task <> 'agents.notify' AND NOT EXISTS (SELECT FROM agents_halt WHERE lifted_at IS NULL);
