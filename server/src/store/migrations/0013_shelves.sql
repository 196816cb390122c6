-- The list of members is read by an index for every status, and how many have one is kept and not counted.

-- Where a member stands in the list, finer than the place: ten times the place, and for places 2 and 3 what else is known:
-- 0 nothing, 1 the identity provider's sign-in without MFA, 2 an exception, 3 the identity provider's sign-in with MFA.
ALTER TABLE member ADD COLUMN shelf BIGINT NOT NULL DEFAULT 30 CHECK (shelf BETWEEN 10 AND 60);
-- 1 once it is noted that the exception's time has passed; until then its member stands with those who have one.
ALTER TABLE two_step_exception ADD COLUMN is_over BIGINT NOT NULL DEFAULT 0 CHECK (is_over IN (0, 1));

UPDATE member SET shelf = place * 10 + CASE
  WHEN place <> 2 AND place <> 3 THEN 0
  WHEN EXISTS (SELECT 1 FROM sso_link l JOIN identity_provider i ON i.organisation = l.organisation AND i.issuer = l.issuer
    WHERE l.organisation = member.organisation AND l.member = member.id AND l.signed_in_ms >= i.set_ms AND l.mfa = 1) THEN 3
  WHEN EXISTS (SELECT 1 FROM two_step_exception x
    WHERE x.organisation = member.organisation AND x.member = member.id) THEN 2
  WHEN EXISTS (SELECT 1 FROM sso_link l JOIN identity_provider i ON i.organisation = l.organisation AND i.issuer = l.issuer
    WHERE l.organisation = member.organisation AND l.member = member.id AND l.signed_in_ms >= i.set_ms) THEN 1
  ELSE 0 END;

-- How many members stand on a shelf: the sum of its parts. One part alone may be below zero; there are several so that
-- changes of different members seldom wait for one row.
CREATE TABLE member_count (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  shelf BIGINT NOT NULL,
  part BIGINT NOT NULL,
  members BIGINT NOT NULL,
  PRIMARY KEY (organisation, shelf, part)
);
INSERT INTO member_count (organisation, shelf, part, members)
SELECT organisation, shelf, 0, count(*) FROM member GROUP BY organisation, shelf;

-- The times of joining stand in the index because a deadline is counted from them.
CREATE INDEX member_by_shelf ON member (organisation, shelf, sort_name, id, created_ms);
CREATE INDEX member_by_shelf_seen ON member (organisation, shelf, seen_ms, sort_name, id);
DROP INDEX member_open_by_name;
CREATE INDEX member_open_by_name ON member (organisation, sort_name, id, created_ms, shelf)
WHERE shelf NOT IN (22, 23, 32, 33, 50, 60);
-- Whom a deadline can apply to.
CREATE INDEX member_by_age ON member (organisation, created_ms, shelf) WHERE shelf IN (20, 21, 30, 31);
-- Admins and auditors are few.
CREATE INDEX member_by_role ON member (organisation, role, sort_name, id) WHERE role <> 'member';
-- Whom no mail reaches: few, and counted for the policy's page.
CREATE INDEX member_unreachable ON member (organisation)
WHERE state = 'active' AND (email NOT LIKE '%_@_%' OR bounced_ms > 0);
CREATE INDEX two_step_exception_by_end ON two_step_exception (organisation, until_ms, member) WHERE is_over = 0;
CREATE INDEX factor_pending_by_start ON factor (organisation, created_ms, member) WHERE state = 'pending';
