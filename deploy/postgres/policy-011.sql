-- Admissions that are nothing but admissions, those who asked at the same time together, in one statement and so in one round trip and
-- one sync: each with its operation and its audit entry, the limiter's row once. All of them or none. policy_admit, which does one, is
-- left for the version before. PO001: one of the operations was done before. PO002: the limiter moved on. PO003: the chain did.
CREATE FUNCTION policy_admit_group(
    p_tenant text, p_state jsonb, p_limits jsonb, p_revision bigint,
    p_key_ids text[], p_operation_ids text[], p_body_hashes text[], p_statuses integer[], p_responses text[], p_now timestamptz, p_expired timestamptz,
    p_seq bigint, p_hash text, p_subjects text[], p_drafts jsonb[], p_hashes text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    written integer;
    entries CONSTANT integer := cardinality(p_hashes);
BEGIN
    -- In one order, whoever writes them: two silos that are asked the same never wait for each other in a circle.
    IF cardinality(p_operation_ids) > 0 THEN
        INSERT INTO operation AS o (key_id, operation_id, body_hash, status, response, created_at)
        SELECT w.key_id, w.operation_id, w.body_hash, w.status, w.response, p_now
        FROM unnest(p_key_ids, p_operation_ids, p_body_hashes, p_statuses, p_responses) AS w (key_id, operation_id, body_hash, status, response)
        ORDER BY w.key_id COLLATE "C", w.operation_id COLLATE "C"
        ON CONFLICT (key_id, operation_id) DO UPDATE
        SET body_hash = excluded.body_hash, status = excluded.status, response = excluded.response, created_at = excluded.created_at
        WHERE o.created_at <= p_expired;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> cardinality(p_operation_ids) THEN
            RAISE EXCEPTION 'operation' USING ERRCODE = 'PO001';
        END IF;
    END IF;

    IF p_revision = 0 THEN
        INSERT INTO admission (tenant, state, rate_limit, revision) VALUES (p_tenant, p_state, p_limits, 1) ON CONFLICT (tenant) DO NOTHING;
    ELSE
        UPDATE admission SET state = p_state, rate_limit = p_limits, revision = revision + 1 WHERE tenant = p_tenant AND revision = p_revision;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'admission' USING ERRCODE = 'PO002';
    END IF;

    UPDATE audit_head SET seq = p_seq + entries, hash = p_hashes[entries] WHERE tenant = p_tenant AND seq = p_seq AND hash = p_hash;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'audit_head' USING ERRCODE = 'PO003';
    END IF;
    INSERT INTO policy_audit (tenant, seq, subject, draft, prev_hash, hash)
    SELECT p_tenant, p_seq + e.place, e.subject, e.draft, coalesce(p_hashes[e.place - 1], p_hash), e.hash
    FROM unnest(p_subjects, p_drafts, p_hashes) WITH ORDINALITY AS e (subject, draft, hash, place);
END
$$;
