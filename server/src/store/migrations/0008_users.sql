-- Admin → Users: the list, in the order of names, of a status or of when somebody was last seen, at any size.

-- The name as it is sorted by, and name and address as they are searched in: without case and without accents.
ALTER TABLE member ADD COLUMN sort_name TEXT NOT NULL DEFAULT '';
ALTER TABLE member ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
-- When an admin reset two-step authentication, until it is set up again.
ALTER TABLE member ADD COLUMN reset_ms BIGINT NOT NULL DEFAULT 0;
-- When the member was last seen, to within ten minutes.
ALTER TABLE member ADD COLUMN seen_ms BIGINT NOT NULL DEFAULT 0;
-- Where the member stands in the list, for the index alone: 1 locked, 2 reset, 3 not set up, 4 setting up, 5 set up,
-- 6 suspended. What is shown is computed from the facts.
ALTER TABLE member ADD COLUMN place BIGINT NOT NULL DEFAULT 3 CHECK (place BETWEEN 1 AND 6);

UPDATE member SET sort_name = lower(name), search_text = lower(name || ' ' || email),
  seen_ms = COALESCE((SELECT max(s.seen_ms) FROM session s WHERE s.organisation = member.organisation AND s.member = member.id), 0),
  place = CASE WHEN state = 'suspended' THEN 6
    WHEN EXISTS (SELECT 1 FROM factor f WHERE f.organisation = member.organisation AND f.member = member.id AND f.state = 'active') THEN 5
    WHEN EXISTS (SELECT 1 FROM factor f WHERE f.organisation = member.organisation AND f.member = member.id AND f.state = 'disabled') THEN 1
    WHEN EXISTS (SELECT 1 FROM factor f WHERE f.organisation = member.organisation AND f.member = member.id AND f.state = 'pending') THEN 4
    ELSE 3 END;

CREATE INDEX member_by_name ON member (organisation, sort_name, id);
CREATE INDEX member_by_place ON member (organisation, place, sort_name, id);
CREATE INDEX member_open_by_name ON member (organisation, sort_name, id) WHERE place < 5;
CREATE INDEX member_by_seen ON member (organisation, seen_ms, sort_name, id);

-- A set-up that nobody finished is removed when its time is over.
CREATE INDEX factor_pending_by_age ON factor (created_ms) WHERE state = 'pending';

-- Somebody who was invited and has not chosen a password yet. The link works once, for seven days.
CREATE TABLE invitation (
  organisation TEXT NOT NULL,
  member TEXT NOT NULL,
  token_hash BLOB NOT NULL,
  made_by TEXT NOT NULL,
  made_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  PRIMARY KEY (organisation, member),
  FOREIGN KEY (organisation, member) REFERENCES member (organisation, id)
);
CREATE UNIQUE INDEX invitation_by_token ON invitation (organisation, token_hash);
