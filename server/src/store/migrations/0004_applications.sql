-- Other people's applications: back ends that ask about requests, and hosts whose proxy asks before it serves.

CREATE TABLE back_end (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  name TEXT NOT NULL,
  authority TEXT NOT NULL,
  key_hash BLOB NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, name)
);
CREATE UNIQUE INDEX back_end_by_key ON back_end (organisation, key_hash);

-- Not keyed by the organisation: it finds it.
CREATE TABLE protected_host (
  host TEXT PRIMARY KEY,
  organisation TEXT NOT NULL REFERENCES organisation (id)
);

-- One way to a protected host, for the browser that began it; taken once.
CREATE TABLE host_ticket (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  ticket_hash BLOB NOT NULL,
  host TEXT NOT NULL,
  browser_hash BLOB NOT NULL,
  session TEXT NOT NULL,
  expires_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, ticket_hash)
);

-- A web session at a protected host, under a token of that host's own. It lasts as long as the web session.
CREATE TABLE host_session (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  token_hash BLOB NOT NULL,
  host TEXT NOT NULL,
  session TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, token_hash)
);
