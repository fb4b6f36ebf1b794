-- What a fleet is not offered again until somebody releases it: what was taken back from it. A row is there exactly as long.
CREATE TABLE quarantine (
    tenant       text COLLATE "C" NOT NULL,
    fleet        text COLLATE "C" NOT NULL,
    policy_hash  text COLLATE "C" NOT NULL,
    record       jsonb NOT NULL,
    ordinal      bigint GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT quarantine_pkey PRIMARY KEY (tenant, fleet, policy_hash),
    CONSTRAINT quarantine_fleet FOREIGN KEY (tenant, fleet) REFERENCES fleet,
    CONSTRAINT quarantine_bundle FOREIGN KEY (tenant, policy_hash) REFERENCES policy_bundle
);

-- "Which bundles did the whole of this fleet run?" is asked where a fleet goes back at once: never by reading all it ever did.
CREATE INDEX rollout_proven ON rollout (tenant, fleet, target, ordinal) WHERE phase = 'COMPLETE';
