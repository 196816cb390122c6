-- Sign-in by an organisation's identity provider (OpenID Connect): who it is, whom it names, and sign-ins under way.

-- One per organisation, set by the operator. The lists are JSON arrays of texts.
CREATE TABLE identity_provider (
  organisation TEXT PRIMARY KEY REFERENCES organisation (id),
  issuer TEXT NOT NULL,
  client_id TEXT NOT NULL,
  secret_sealed BLOB NOT NULL,
  secret_key_version BIGINT NOT NULL,
  mfa_amr TEXT NOT NULL,
  mfa_acr TEXT NOT NULL,
  name_claim TEXT NOT NULL CHECK (name_claim IN ('preferred_username', 'email')),
  -- The organisation's name as a member types it, without case.
  folded_name TEXT NOT NULL,
  set_ms BIGINT NOT NULL
);
CREATE INDEX identity_provider_by_name ON identity_provider (folded_name);

-- Whom a provider's subject is, from the first sign-in on, and what its last sign-in asserted.
CREATE TABLE sso_link (
  organisation TEXT NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  member TEXT NOT NULL,
  mfa BIGINT NOT NULL CHECK (mfa IN (0, 1)),
  signed_in_ms BIGINT NOT NULL,
  linked_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, issuer, subject),
  FOREIGN KEY (organisation, member) REFERENCES member (organisation, id)
);
CREATE UNIQUE INDEX sso_link_by_member ON sso_link (organisation, issuer, member);

-- A sign-in that left for the provider: it comes back once, in ten minutes, in the same browser.
CREATE TABLE sso_attempt (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  state_hash BLOB NOT NULL,
  browser_hash BLOB NOT NULL,
  issuer TEXT NOT NULL,
  sealed BLOB NOT NULL,
  key_version BIGINT NOT NULL,
  next TEXT NOT NULL,
  expires_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, state_hash)
);
CREATE INDEX sso_attempt_by_expiry ON sso_attempt (expires_ms);

-- Whether the provider asserted multi-factor authentication for the session that it opened.
ALTER TABLE session ADD COLUMN sso_mfa BIGINT NOT NULL DEFAULT 0 CHECK (sso_mfa IN (0, 1));
