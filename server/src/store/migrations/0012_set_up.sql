-- The first authenticator of an account that was used before can be made to wait for a mail's link or for an admin.

-- When a session of the member first had nothing left to do; 0 for never.
ALTER TABLE member ADD COLUMN used_ms BIGINT NOT NULL DEFAULT 0;
-- Until when the operator lets the member set up an authenticator unconfirmed.
ALTER TABLE member ADD COLUMN set_up_until_ms BIGINT NOT NULL DEFAULT 0;
-- Rather one too many: of before nothing is known but when the member was last seen.
UPDATE member SET used_ms = seen_ms;

-- A session that asks for it, and whether it may. It ends with its session.
CREATE TABLE set_up_request (
  organisation TEXT NOT NULL,
  session TEXT NOT NULL,
  member TEXT NOT NULL,
  token_hash BLOB NOT NULL,
  asked_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  allowed_ms BIGINT NOT NULL,
  -- The admin; '' for the link of the mail.
  allowed_by TEXT NOT NULL,
  PRIMARY KEY (organisation, session),
  FOREIGN KEY (organisation, member) REFERENCES member (organisation, id)
);
CREATE UNIQUE INDEX set_up_request_by_token ON set_up_request (organisation, token_hash);
CREATE INDEX set_up_request_by_member ON set_up_request (organisation, member, asked_ms);
CREATE INDEX set_up_request_by_age ON set_up_request (organisation, asked_ms);
CREATE INDEX set_up_request_by_expiry ON set_up_request (expires_ms);
