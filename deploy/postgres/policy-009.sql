-- What people set about how changes may happen, such as waivers: a few rows a tenant, each read and written whole.
CREATE TABLE tenant_control (
    tenant    text COLLATE "C" NOT NULL REFERENCES tenant,
    kind      text COLLATE "C" NOT NULL,
    id        text COLLATE "C" NOT NULL,
    record    jsonb NOT NULL,
    revision  bigint NOT NULL CHECK (revision > 0),
    ordinal   bigint GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT tenant_control_pkey PRIMARY KEY (tenant, kind, id)
);
