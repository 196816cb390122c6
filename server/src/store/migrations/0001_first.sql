-- Every table carries the organisation first in its key, so that a distributed engine can shard by it.
-- Times are epoch milliseconds; 0 stands for "never" where a column is NOT NULL.

CREATE TABLE organisation (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  policy_key_sealed BLOB NOT NULL,
  policy_key_version BIGINT NOT NULL,
  policy_public BLOB NOT NULL,
  policy_version BIGINT NOT NULL,
  policy_hash TEXT NOT NULL,
  rules TEXT NOT NULL,
  clock_mark_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE TABLE policy_version (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  version BIGINT NOT NULL,
  payload TEXT NOT NULL,
  signature TEXT NOT NULL,
  made_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  made_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, version)
);

-- The one table that is not keyed by the organisation: it finds it.
CREATE TABLE sign_in_name (
  name TEXT PRIMARY KEY,
  organisation TEXT NOT NULL REFERENCES organisation (id),
  member TEXT NOT NULL
);

CREATE TABLE member (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('member', 'admin', 'auditor')),
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
  password TEXT NOT NULL,
  password_fails BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, id)
);

CREATE TABLE factor (
  organisation TEXT NOT NULL,
  member TEXT NOT NULL,
  id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'disabled')),
  seed_sealed BLOB NOT NULL,
  key_version BIGINT NOT NULL,
  fails BIGINT NOT NULL CHECK (fails >= 0),
  wait_until_ms BIGINT NOT NULL,
  last_step BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  confirmed_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, member, id),
  FOREIGN KEY (organisation, member) REFERENCES member (organisation, id)
);
-- Two devices finishing a set-up at once: one secret wins.
CREATE UNIQUE INDEX factor_proven ON factor (organisation, member) WHERE state IN ('active', 'disabled');
CREATE UNIQUE INDEX factor_pending ON factor (organisation, member) WHERE state = 'pending';

CREATE TABLE device (
  organisation TEXT NOT NULL,
  id TEXT NOT NULL,
  member TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'revoked')),
  spki BLOB NOT NULL,
  facts TEXT NOT NULL,
  name TEXT NOT NULL,
  opening BLOB NOT NULL,
  first_nonce BLOB NOT NULL,
  second_nonce BLOB NOT NULL,
  wrong_codes BIGINT NOT NULL,
  address TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  decided_ms BIGINT NOT NULL,
  decided_by TEXT NOT NULL,
  finish_until_ms BIGINT NOT NULL,
  code_at_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, id),
  FOREIGN KEY (organisation, member) REFERENCES member (organisation, id)
);
CREATE INDEX device_by_member ON device (organisation, member, state);
CREATE INDEX device_by_state ON device (organisation, state, created_ms, id);

CREATE TABLE pin (
  organisation TEXT NOT NULL,
  device TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('none', 'set', 'erased')),
  epoch BIGINT NOT NULL,
  activated_key BLOB NOT NULL,
  rule_length BIGINT NOT NULL,
  fails BIGINT NOT NULL CHECK (fails >= 0),
  wait_until_ms BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  attempt_open BIGINT NOT NULL CHECK (attempt_open IN (0, 1)),
  attempt_key BLOB NOT NULL,
  attempt_challenge BLOB NOT NULL,
  attempt_ms BIGINT NOT NULL,
  prepared_epoch BIGINT NOT NULL,
  prepared_challenge BLOB NOT NULL,
  prepared_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, device),
  FOREIGN KEY (organisation, device) REFERENCES device (organisation, id)
);

CREATE TABLE enrollment (
  organisation TEXT NOT NULL,
  id TEXT NOT NULL,
  member TEXT NOT NULL,
  first_nonce BLOB NOT NULL,
  second_nonce BLOB NOT NULL,
  commitment BLOB NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, id),
  FOREIGN KEY (organisation, member) REFERENCES member (organisation, id)
);

CREATE TABLE session (
  organisation TEXT NOT NULL,
  token_hash BLOB NOT NULL,
  member TEXT NOT NULL,
  surface TEXT NOT NULL CHECK (surface IN ('web', 'phone', 'desktop')),
  device TEXT NOT NULL,
  session_key BLOB NOT NULL,
  app_version TEXT NOT NULL,
  code_at_ms BIGINT NOT NULL,
  pin_proved BIGINT NOT NULL CHECK (pin_proved IN (0, 1)),
  address TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  seen_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, token_hash),
  FOREIGN KEY (organisation, member) REFERENCES member (organisation, id)
);
CREATE INDEX session_by_member ON session (organisation, member);
CREATE INDEX session_by_device ON session (organisation, device);

CREATE TABLE used_nonce (
  organisation TEXT NOT NULL,
  nonce TEXT NOT NULL,
  expires_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, nonce)
);
CREATE INDEX used_nonce_by_expiry ON used_nonce (expires_ms);

CREATE TABLE file (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  size BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  modified_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, id)
);

-- Written in the transaction of the change it tells of, still without a sequence number: numbering inside that
-- transaction would serialise every request of the organisation.
CREATE TABLE audit_entry (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  id TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (organisation, id)
);
