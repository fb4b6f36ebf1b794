-- One admission with its operation and its audit entry, in one statement and so in one round trip. It says what the general way
-- says in several: who repeats a request waits at the operation, the head is locked last, and nothing is written where a guard does
-- not hold. PO001: the operation was done before. PO002: the limiter moved on. PO003: the chain did.
CREATE FUNCTION policy_admit(
    p_tenant text, p_state jsonb, p_limits jsonb, p_revision bigint,
    p_key_id text, p_operation_id text, p_body_hash text, p_status integer, p_response text, p_now timestamptz, p_expired timestamptz,
    p_seq bigint, p_subject text, p_draft jsonb, p_prev_hash text, p_hash text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_operation_id IS NOT NULL THEN
        INSERT INTO operation AS o (key_id, operation_id, body_hash, status, response, created_at)
        VALUES (p_key_id, p_operation_id, p_body_hash, p_status, p_response, p_now)
        ON CONFLICT (key_id, operation_id) DO UPDATE
        SET body_hash = excluded.body_hash, status = excluded.status, response = excluded.response, created_at = excluded.created_at
        WHERE o.created_at <= p_expired;
        IF NOT FOUND THEN
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

    UPDATE audit_head SET seq = p_seq, hash = p_hash WHERE tenant = p_tenant AND seq = p_seq - 1 AND hash = p_prev_hash;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'audit_head' USING ERRCODE = 'PO003';
    END IF;
    INSERT INTO policy_audit (tenant, seq, subject, draft, prev_hash, hash) VALUES (p_tenant, p_seq, p_subject, p_draft, p_prev_hash, p_hash);
END
$$;

-- The row changes with every admission: updates stay on their page.
ALTER TABLE admission SET (fillfactor = 20);
