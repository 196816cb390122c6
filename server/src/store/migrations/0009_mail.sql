-- Mails: an outbox, written in the transaction of a mail's cause, and what is remembered of sending.
CREATE TABLE outbox (
  organisation TEXT NOT NULL,
  id TEXT NOT NULL,
  member TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- A JSON object of plain values. Nothing in it opens anything.
  facts TEXT NOT NULL,
  -- A path with a one-time token, sealed; NULL for none, and as soon as the mail is gone.
  link_sealed BLOB,
  link_key_version BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'bounced', 'void')),
  tries BIGINT NOT NULL CHECK (tries >= 0),
  -- Not to be tried before; while a portal has it in hand, until when nobody else takes it.
  due_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  -- What the mail server said last.
  fault TEXT NOT NULL,
  fault_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  settled_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, id),
  FOREIGN KEY (organisation, member) REFERENCES member (organisation, id)
);
CREATE INDEX outbox_due ON outbox (due_ms, id) WHERE state IN ('waiting', 'sending');
CREATE INDEX outbox_by_state ON outbox (organisation, state, id);
CREATE INDEX outbox_by_settling ON outbox (organisation, state, settled_ms);
CREATE INDEX outbox_by_fault ON outbox (organisation, fault_ms) WHERE fault_ms > 0;
CREATE INDEX outbox_by_member ON outbox (organisation, member, id);

-- "This was not me": each mail of a weighty change holds one.
CREATE TABLE freeze_link (
  organisation TEXT NOT NULL,
  token_hash BLOB NOT NULL,
  member TEXT NOT NULL,
  expires_ms BIGINT NOT NULL,
  used_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, token_hash),
  FOREIGN KEY (organisation, member) REFERENCES member (organisation, id)
);
CREATE INDEX freeze_link_by_member ON freeze_link (organisation, member);
CREATE INDEX freeze_link_by_expiry ON freeze_link (expires_ms);

-- The way to the first organisation, before there is any.
CREATE TABLE first_run_link (
  token_hash BLOB PRIMARY KEY,
  expires_ms BIGINT NOT NULL
);

-- When the mail server last refused the member's address; 0 for never, and again once it takes a mail.
ALTER TABLE member ADD COLUMN bounced_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN reminded_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE organisation ADD COLUMN announced_ms BIGINT NOT NULL DEFAULT 0;
