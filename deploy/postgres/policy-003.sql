-- Evidence: what ran, under which policy. A row is written once, together with its audit entry.
CREATE TABLE run (
    tenant        text COLLATE "C" NOT NULL REFERENCES tenant,
    run_id        text COLLATE "C" NOT NULL,
    policy_hash   text COLLATE "C",                          -- null: no policy was in force
    request_hash  text NOT NULL,                             -- tells a repeated request from another one with the same id
    record        jsonb NOT NULL,
    ordinal       bigint GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT run_pkey PRIMARY KEY (tenant, run_id),
    CONSTRAINT run_bundle FOREIGN KEY (tenant, policy_hash) REFERENCES policy_bundle
);
CREATE INDEX run_newest ON run (tenant, ordinal DESC);
CREATE INDEX run_of_policy ON run (tenant, policy_hash, ordinal DESC);

-- A bundle of a document is also known by the hash of the document alone.
CREATE INDEX policy_bundle_document ON policy_bundle (tenant, (record ->> 'document_hash'), ordinal DESC) WHERE record ? 'document_hash';

-- "What did she do?" and "what happened then?" are asked of an audit of any length. Times are written in one form, so that they
-- sort as text; entries come in their order nearly always, so that a summary of each range of pages is enough.
CREATE INDEX policy_audit_actor ON policy_audit (tenant, ((draft ->> 'actor') COLLATE "C"), seq);
CREATE INDEX policy_audit_time ON policy_audit USING brin (((draft ->> 'at') COLLATE "C"));
