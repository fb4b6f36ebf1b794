-- What a tenant demands of every bundle: whether fields that nothing reads are refused.
ALTER TABLE tenant ADD COLUMN strict_bundles boolean NOT NULL DEFAULT false;
