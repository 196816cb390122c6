-- Who added a file; '' is the operator.
ALTER TABLE file ADD COLUMN added_by TEXT NOT NULL DEFAULT '';
