-- Parity groups. A group counts in stages at the place of its first member for as long as it has any: each of its nodes keeps that
-- place, so that no row of the group's own has to be kept true.
ALTER TABLE node ADD COLUMN group_domain text COLLATE "C";
ALTER TABLE node ADD COLUMN group_registration bigint;
CREATE INDEX node_parity_group ON node (tenant, parity_group, fleet) WHERE parity_group IS NOT NULL AND left_at IS NULL;

-- The directive under which the groups that are not in parity_switch are at rest. Which groups a new directive has switch follows from
-- the two: writing a directive stays one row, whatever it moves.
ALTER TABLE fleet_directive ADD COLUMN parity_base jsonb;

-- Groups on their way from one bundle to another. A row is there exactly as long; it is written under the revision of fleet_directive.
CREATE TABLE parity_switch (
    tenant        text COLLATE "C" NOT NULL,
    fleet         text COLLATE "C" NOT NULL,
    parity_group  text COLLATE "C" NOT NULL,
    epoch         bigint NOT NULL CHECK (epoch >= 0),
    phase         text COLLATE "C" NOT NULL CHECK (phase IN ('prepare', 'quiesce')),
    from_hash     text COLLATE "C",                          -- null: nobody of the group serves anything
    since         timestamptz NOT NULL,
    CONSTRAINT parity_switch_pkey PRIMARY KEY (tenant, fleet, parity_group),
    CONSTRAINT parity_switch_fleet FOREIGN KEY (tenant, fleet) REFERENCES fleet
) WITH (fillfactor = 70);
