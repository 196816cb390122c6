-- How a member is spoken to, in the browser and by mail; empty: not chosen.
ALTER TABLE member ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE member ADD COLUMN zone TEXT NOT NULL DEFAULT '';
