-- What nodes decided, as they wrote it down: soft, bounded by age and by size, in no audit chain. A line that is sent again under its
-- batch is here already.
CREATE TABLE decision_log (
    tenant       text COLLATE "C" NOT NULL,
    fleet        text COLLATE "C" NOT NULL,
    node         text COLLATE "C" NOT NULL,
    batch        text COLLATE "C" NOT NULL,
    ordinal      integer NOT NULL,
    at           timestamptz NOT NULL,                       -- the node's clock; only received_at is trusted
    received_at  timestamptz NOT NULL DEFAULT now(),
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    record       text NOT NULL,                              -- the line as it came, which jsonb would not give back
    CONSTRAINT decision_log_pkey PRIMARY KEY (tenant, fleet, node, batch, ordinal)
);

-- In the order of arrival: reading on from where one stopped, and deleting what is old.
CREATE INDEX decision_log_arrival ON decision_log (tenant, fleet, received_at, seq);

-- "What was decided between these two moments?"
CREATE INDEX decision_log_at ON decision_log (tenant, fleet, at);

-- How much each node's records take, so that a bound is one sum and no count of rows. A row a node: uploads do not wait for each other.
CREATE TABLE decision_log_use (
    tenant       text COLLATE "C" NOT NULL,
    fleet        text COLLATE "C" NOT NULL,
    node         text COLLATE "C" NOT NULL,
    bytes        bigint NOT NULL,
    CONSTRAINT decision_log_use_pkey PRIMARY KEY (tenant, fleet, node),
    CONSTRAINT decision_log_use_fleet FOREIGN KEY (tenant, fleet) REFERENCES fleet
);
