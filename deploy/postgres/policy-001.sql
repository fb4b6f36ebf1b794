-- The truth of Orleans.Policy, first version. Applied by the program itself, once, in one transaction.
--
-- Names sort and compare bytewise in every database (COLLATE "C"), as they do in the program. Records are kept whole as jsonb;
-- a column beside them exists only where a guard, a constraint or an index needs it.

CREATE TABLE tenant (
    tenant      text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT tenant_pkey PRIMARY KEY (tenant)
);

-- Only a key's SHA-256 is stored: 256 random bits need neither salt nor a slow hash.
CREATE TABLE api_key (
    key_id      text COLLATE "C" NOT NULL,
    tenant      text COLLATE "C" REFERENCES tenant,          -- null: a key of the installation
    name        text NOT NULL,
    subject     text NOT NULL,
    role        text NOT NULL,
    fleet       text COLLATE "C",
    node        text COLLATE "C",
    key_sha256  bytea NOT NULL CHECK (length(key_sha256) = 32),
    creators    text[] NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz,
    CONSTRAINT api_key_pkey PRIMARY KEY (key_id),
    CONSTRAINT api_key_secret UNIQUE (key_sha256)
);
CREATE INDEX api_key_by_tenant ON api_key (tenant, created_at) WHERE revoked_at IS NULL;
CREATE INDEX api_key_by_revocation ON api_key (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE trust_root (
    tenant      text COLLATE "C" NOT NULL REFERENCES tenant,
    version     integer NOT NULL CHECK (version > 0),
    document    text NOT NULL,                               -- as it was signed, not as jsonb would write it
    CONSTRAINT trust_root_pkey PRIMARY KEY (tenant, version)
);

-- One row a tenant; its revision serializes every action that takes an admission.
CREATE TABLE admission (
    tenant      text COLLATE "C" NOT NULL REFERENCES tenant,
    state       jsonb NOT NULL,
    rate_limit  jsonb NOT NULL,
    revision    bigint NOT NULL,
    CONSTRAINT admission_pkey PRIMARY KEY (tenant)
);

-- The content is kept byte for byte as published; everything else about a bundle is in its record.
CREATE TABLE policy_bundle (
    tenant       text COLLATE "C" NOT NULL REFERENCES tenant,
    policy_hash  text COLLATE "C" NOT NULL CHECK (policy_hash ~ '^[0-9a-f]{64}$'),
    version      text COLLATE "C" NOT NULL,
    sequence     bigint,
    record       jsonb NOT NULL,
    content      bytea NOT NULL,
    ordinal      bigint GENERATED ALWAYS AS IDENTITY,        -- "newest first" without trusting a clock
    CONSTRAINT policy_bundle_pkey PRIMARY KEY (tenant, policy_hash),
    CONSTRAINT policy_bundle_version UNIQUE (tenant, version)
);
CREATE INDEX policy_bundle_newest ON policy_bundle (tenant, ordinal DESC);
CREATE INDEX policy_bundle_sequence ON policy_bundle (tenant, sequence DESC) WHERE sequence IS NOT NULL;

-- Every move of every tag. The newest row is where the tag points.
CREATE TABLE tag (
    tenant       text COLLATE "C" NOT NULL,
    tag          text COLLATE "C" NOT NULL,
    fleet        text COLLATE "C" NOT NULL,                  -- empty: the tenant's own tag (no fleet has an empty name)
    policy_hash  text COLLATE "C" NOT NULL,
    reason       text NOT NULL,
    moved_by     text NOT NULL,
    moved_at     timestamptz NOT NULL,
    ordinal      bigint GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT tag_pkey PRIMARY KEY (tenant, ordinal),
    CONSTRAINT tag_bundle FOREIGN KEY (tenant, policy_hash) REFERENCES policy_bundle
);
CREATE INDEX tag_current ON tag (tenant, tag, fleet, ordinal DESC);

-- last_registration hands out registration numbers, under this row's lock.
CREATE TABLE fleet (
    tenant             text COLLATE "C" NOT NULL REFERENCES tenant,
    fleet              text COLLATE "C" NOT NULL,
    settings           jsonb NOT NULL,
    last_registration  bigint NOT NULL DEFAULT 0,
    created_at         timestamptz NOT NULL,
    CONSTRAINT fleet_pkey PRIMARY KEY (tenant, fleet)
);

CREATE TABLE node (
    tenant          text COLLATE "C" NOT NULL,
    fleet           text COLLATE "C" NOT NULL,
    node            text COLLATE "C" NOT NULL,
    registration    bigint NOT NULL CHECK (registration > 0),
    role            text,
    parity_group    text COLLATE "C",
    failure_domain  text COLLATE "C" NOT NULL,
    labels          jsonb NOT NULL,
    registered_at   timestamptz NOT NULL,
    left_at         timestamptz,
    CONSTRAINT node_pkey PRIMARY KEY (tenant, fleet, node),
    CONSTRAINT node_fleet FOREIGN KEY (tenant, fleet) REFERENCES fleet
);
CREATE UNIQUE INDEX node_registration ON node (tenant, fleet, registration) WHERE left_at IS NULL;
CREATE INDEX node_left ON node (left_at) WHERE left_at IS NOT NULL;

-- What each fleet should run. A row of its own, apart from the fleet's: a rollback never waits for a batch of registrations.
-- The revision rises with the directive and with the settings; the epoch with the directive alone.
CREATE TABLE fleet_directive (
    tenant     text COLLATE "C" NOT NULL,
    fleet      text COLLATE "C" NOT NULL,
    epoch      bigint NOT NULL CHECK (epoch >= 0),
    arm_epoch  bigint NOT NULL CHECK (arm_epoch >= 0),
    directive  jsonb NOT NULL,
    revision   bigint NOT NULL,
    CONSTRAINT fleet_directive_pkey PRIMARY KEY (tenant, fleet),
    CONSTRAINT fleet_directive_fleet FOREIGN KEY (tenant, fleet) REFERENCES fleet
) WITH (fillfactor = 50);                                    -- updates stay on their page and touch no index

CREATE TABLE rollout (
    tenant      text COLLATE "C" NOT NULL,
    rollout_id  text COLLATE "C" NOT NULL,
    fleet       text COLLATE "C" NOT NULL,
    target      text COLLATE "C" NOT NULL,
    is_final    boolean NOT NULL,
    revision    bigint NOT NULL CHECK (revision > 0),
    state       jsonb NOT NULL,
    phase       text GENERATED ALWAYS AS (state ->> 'phase') STORED,     -- for people
    ordinal     bigint GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT rollout_pkey PRIMARY KEY (tenant, rollout_id),
    CONSTRAINT rollout_fleet FOREIGN KEY (tenant, fleet) REFERENCES fleet,
    CONSTRAINT rollout_target FOREIGN KEY (tenant, target) REFERENCES policy_bundle
);
CREATE UNIQUE INDEX rollout_in_flight ON rollout (tenant, fleet) WHERE NOT is_final;
CREATE INDEX rollout_newest ON rollout (tenant, ordinal DESC);
CREATE INDEX rollout_newest_of_fleet ON rollout (tenant, fleet, ordinal DESC);

-- A claim keeps other silos off a row for a moment and leaves the moment it was due as it is.
CREATE TABLE rollout_deadline (
    tenant         text COLLATE "C" NOT NULL,
    rollout_id     text COLLATE "C" NOT NULL,
    kind           text COLLATE "C" NOT NULL,
    due_at         timestamptz NOT NULL,
    claimed_until  timestamptz,
    CONSTRAINT rollout_deadline_pkey PRIMARY KEY (tenant, rollout_id, kind),
    CONSTRAINT rollout_deadline_rollout FOREIGN KEY (tenant, rollout_id) REFERENCES rollout
);
CREATE INDEX rollout_deadline_due ON rollout_deadline (due_at);

-- The end of each tenant's audit chain. Locked last in every transaction that acts, so that entries follow in commit order.
CREATE TABLE audit_head (
    tenant  text COLLATE "C" NOT NULL REFERENCES tenant,
    seq     bigint NOT NULL CHECK (seq >= 0),
    hash    text NOT NULL,
    CONSTRAINT audit_head_pkey PRIMARY KEY (tenant)
) WITH (fillfactor = 50);

CREATE TABLE policy_audit (
    tenant     text COLLATE "C" NOT NULL,
    seq        bigint NOT NULL CHECK (seq > 0),
    subject    text COLLATE "C" NOT NULL,
    draft      jsonb NOT NULL,
    prev_hash  text NOT NULL,
    hash       text NOT NULL,
    CONSTRAINT policy_audit_pkey PRIMARY KEY (tenant, seq)
);
CREATE INDEX policy_audit_subject ON policy_audit (tenant, subject, seq);

-- The chain shows that an entry was changed; this keeps it from happening by mistake.
CREATE FUNCTION policy_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'policy_audit is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER policy_audit_append_only BEFORE UPDATE OR DELETE ON policy_audit
    FOR EACH ROW EXECUTE FUNCTION policy_audit_is_append_only();
CREATE TRIGGER policy_audit_never_emptied BEFORE TRUNCATE ON policy_audit
    FOR EACH STATEMENT EXECUTE FUNCTION policy_audit_is_append_only();

-- The first answer to a request that named an idempotency key. The response is text, not jsonb: it is given again byte for byte.
CREATE TABLE operation (
    key_id        text COLLATE "C" NOT NULL,
    operation_id  text COLLATE "C" NOT NULL,
    body_hash     text NOT NULL,
    status        integer NOT NULL,
    response      text NOT NULL,
    created_at    timestamptz NOT NULL,
    CONSTRAINT operation_pkey PRIMARY KEY (key_id, operation_id)
);
CREATE INDEX operation_age ON operation (created_at);

INSERT INTO tenant (tenant, created_at) VALUES ('default', now());
INSERT INTO audit_head (tenant, seq, hash) VALUES ('default', 0, repeat('0', 64));
