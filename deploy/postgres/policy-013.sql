-- The keys by which browsers' sessions are encrypted, of all silos. Silos that begin at the same moment make one each; the first one of a
-- day is kept, so that all use the same. Reading them is no way to make a session: a session contains the key of whom it is.
CREATE TABLE session_key (
    made_on  date NOT NULL,
    xml      text NOT NULL,
    CONSTRAINT session_key_pkey PRIMARY KEY (made_on)
);
