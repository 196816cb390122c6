-- The PIN with two locks. A PIN of the first format has no portal's share; none was ever released.
DROP TABLE pin;

-- Whether a device's PIN is set, how often it was tried, and the sealed seed that its file cannot be opened without.
-- An empty BLOB stands for "none".
CREATE TABLE pin (
  organisation TEXT NOT NULL,
  device TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('none', 'set', 'erased')),
  epoch BIGINT NOT NULL,
  last_epoch BIGINT NOT NULL,
  seed_sealed BLOB NOT NULL,
  seed_key_version BIGINT NOT NULL,
  activated_key BLOB NOT NULL,
  rule_length BIGINT NOT NULL,
  fails BIGINT NOT NULL CHECK (fails >= 0),
  wait_until_ms BIGINT NOT NULL,
  owes_code BIGINT NOT NULL CHECK (owes_code IN (0, 1)),
  attempt BIGINT NOT NULL,
  attempt_open BIGINT NOT NULL CHECK (attempt_open IN (0, 1)),
  attempt_element BLOB NOT NULL,
  attempt_answer BLOB NOT NULL,
  attempt_challenge BLOB NOT NULL,
  attempt_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, device),
  FOREIGN KEY (organisation, device) REFERENCES device (organisation, id)
);
CREATE INDEX pin_by_fails ON pin (fails, attempt_ms) WHERE state = 'set';

-- The seed of a PIN that is being set. It evaluates one element.
CREATE TABLE prepared_pin (
  organisation TEXT NOT NULL,
  device TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  seed_sealed BLOB NOT NULL,
  seed_key_version BIGINT NOT NULL,
  challenge BLOB NOT NULL,
  element BLOB NOT NULL,
  answer BLOB NOT NULL,
  made_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, device),
  FOREIGN KEY (organisation, device) REFERENCES device (organisation, id)
);

-- A row for each try that was counted and not proven, for the limit of thirty days.
CREATE TABLE pin_failure (
  organisation TEXT NOT NULL,
  device TEXT NOT NULL,
  attempt BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, device, attempt),
  FOREIGN KEY (organisation, device) REFERENCES device (organisation, id)
);
