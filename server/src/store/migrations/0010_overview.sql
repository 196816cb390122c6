-- What an admin finds in the audit log, and how compliance went day by day.

-- What an entry is found by, beside its text. The reason is kept in lower case, for the search alone.
ALTER TABLE audit_entry ADD COLUMN action TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_entry ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_entry ADD COLUMN target TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_entry ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- Entries of before: their text begins with the action and the actor and ends with the target.
UPDATE audit_entry SET action = substr(entry, 12, (
  WITH RECURSIVE place (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM place WHERE n < 80)
  SELECT min(n) - 1 FROM place WHERE substr(audit_entry.entry, 11 + n, 1) = '"'))
WHERE entry LIKE '{"action":"%';
UPDATE audit_entry SET actor = substr(entry, 29 + length(action), 32)
WHERE substr(entry, 12 + length(action), 17) = '","actor":{"id":"';
UPDATE audit_entry SET actor = 'operator' WHERE entry LIKE '%,"actor":{"kind":"system","name":"operator"},"address":%';
UPDATE audit_entry SET actor = 'portal' WHERE entry LIKE '%,"actor":{"kind":"system","name":"portal"},"address":%';
UPDATE audit_entry SET target = substr(entry, length(entry) - 33, 32)
WHERE entry LIKE '%"target":"________________________________"}';
-- Found by too much rather than by too little: no SQL of both engines reads the reason out of the text.
UPDATE audit_entry SET reason = lower(entry) WHERE entry LIKE '%"reason":"_%';

CREATE INDEX audit_entry_by_action ON audit_entry (organisation, action, id);
CREATE INDEX audit_entry_by_actor ON audit_entry (organisation, actor, id);
CREATE INDEX audit_entry_by_target ON audit_entry (organisation, target, id);

-- Active members of a day (in UTC, days since 1970), how many of them complied, and how many had an exception.
CREATE TABLE compliance_day (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  day BIGINT NOT NULL,
  active BIGINT NOT NULL,
  compliant BIGINT NOT NULL,
  exceptions BIGINT NOT NULL,
  PRIMARY KEY (organisation, day)
);
