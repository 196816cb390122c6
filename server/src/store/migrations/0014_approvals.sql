-- When the admins were last told by mail that a device waits; 0 for never.
ALTER TABLE organisation ADD COLUMN approvals_told_ms BIGINT NOT NULL DEFAULT 0;
