-- One policy on every route: deadlines, exceptions, second admins, recovery codes, and sessions that can be named.

-- When two-step was first required, for the deadline; switching off and on again does not move it.
ALTER TABLE organisation ADD COLUMN required_ms BIGINT NOT NULL DEFAULT 0;

-- What lists and ends a session; the token's hash never leaves this table. A session that was opened before has no name to
-- be ended by, so it ends here: its member signs in again.
DELETE FROM session;
ALTER TABLE session ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN agent TEXT NOT NULL DEFAULT '';
-- Opened with password and recovery code: it can set up a new authenticator and nothing else.
ALTER TABLE session ADD COLUMN recovering BIGINT NOT NULL DEFAULT 0 CHECK (recovering IN (0, 1));
CREATE UNIQUE INDEX session_by_id ON session (organisation, id) WHERE id <> '';

-- The policy key that a device's comparison code was made with; NULL for the organisation's present one.
ALTER TABLE device ADD COLUMN policy_key BLOB;

-- The notes by which one policy key hands over to the next, each signed by the one before.
CREATE TABLE policy_handover (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  number BIGINT NOT NULL,
  payload TEXT NOT NULL,
  signature TEXT NOT NULL,
  made_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, number)
);

-- A member of whom two-step is not demanded until a date. What was, stands in the audit log.
CREATE TABLE two_step_exception (
  organisation TEXT NOT NULL,
  member TEXT NOT NULL,
  until_ms BIGINT NOT NULL,
  reason TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, member),
  FOREIGN KEY (organisation, member) REFERENCES member (organisation, id)
);

-- What one admin wants and another one has to confirm.
CREATE TABLE proposal (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('policy', 'exception')),
  content TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, id)
);

-- One row a member: the count of failures over all codes of the set.
CREATE TABLE recovery (
  organisation TEXT NOT NULL,
  member TEXT NOT NULL,
  fails BIGINT NOT NULL CHECK (fails >= 0),
  wait_until_ms BIGINT NOT NULL,
  issued_ms BIGINT NOT NULL,
  saved_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, member),
  FOREIGN KEY (organisation, member) REFERENCES member (organisation, id)
);

CREATE TABLE recovery_code (
  organisation TEXT NOT NULL,
  member TEXT NOT NULL,
  selector TEXT NOT NULL,
  hash TEXT NOT NULL,
  used_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, member, selector),
  FOREIGN KEY (organisation, member) REFERENCES recovery (organisation, member) ON DELETE CASCADE
);
