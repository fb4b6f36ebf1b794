-- Who may serve. One row for each scope of which somebody said something: a node, a fleet, a tenant, everything. What a node may do
-- follows from the rows that cover it, so that a stop of everything is one row, whatever it stops.

-- The number of the newest arm or disarm of the installation. Locked by each of them: they follow each other.
CREATE TABLE arm_head (
    only_row   boolean NOT NULL DEFAULT true CHECK (only_row),
    arm_epoch  bigint NOT NULL CHECK (arm_epoch >= 0),
    CONSTRAINT arm_head_pkey PRIMARY KEY (only_row)
) WITH (fillfactor = 50);

CREATE TABLE arm_scope (
    tenant     text COLLATE "C" NOT NULL,                    -- empty: everything
    fleet      text COLLATE "C" NOT NULL,                    -- empty: the whole tenant
    node       text COLLATE "C" NOT NULL,                    -- empty: the whole fleet
    arm_epoch  bigint NOT NULL CHECK (arm_epoch > 0),
    state      jsonb NOT NULL,
    CONSTRAINT arm_scope_pkey PRIMARY KEY (tenant, fleet, node),
    CONSTRAINT arm_scope_narrows CHECK ((tenant <> '' OR fleet = '') AND (fleet <> '' OR node = ''))
);

-- "What is the newest number of this scope?" is asked every second by every silo for every fleet that it serves.
CREATE INDEX arm_scope_newest ON arm_scope (tenant, fleet, arm_epoch DESC);

INSERT INTO arm_head (arm_epoch) VALUES (0);
