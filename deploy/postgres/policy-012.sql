-- How far each webhook is in its tenant's audit, which is what it is sent from: no row for anything that is yet to be sent. Whoever holds
-- the claim sends; it is renewed with every step, so that another takes over soon after its holder died.
CREATE TABLE webhook_cursor (
    tenant         text COLLATE "C" NOT NULL REFERENCES tenant,
    webhook        text COLLATE "C" NOT NULL,
    after_seq      bigint NOT NULL CHECK (after_seq >= 0),
    failures       integer NOT NULL DEFAULT 0,
    refusals       integer NOT NULL DEFAULT 0,
    failing_since  timestamptz,
    next_at        timestamptz NOT NULL,
    error          text,
    delivered_at   timestamptz,
    claim          text,
    claimed_until  timestamptz,
    CONSTRAINT webhook_cursor_pkey PRIMARY KEY (tenant, webhook)
) WITH (fillfactor = 50);

-- What was given up, by its place in the audit, until somebody sends it again or it is too old to matter.
CREATE TABLE webhook_dead (
    tenant    text COLLATE "C" NOT NULL REFERENCES tenant,
    webhook   text COLLATE "C" NOT NULL,
    seq       bigint NOT NULL,
    dead_at   timestamptz NOT NULL,
    error     text NOT NULL,
    CONSTRAINT webhook_dead_pkey PRIMARY KEY (tenant, webhook, seq)
);

-- Which webhooks are there is asked every second.
CREATE INDEX tenant_control_webhook ON tenant_control (tenant, id) WHERE kind = 'webhook';
