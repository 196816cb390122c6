-- A desktop is a device as well: it enrolls and waits for approval, and has no PIN. Before, only phones enrolled.
ALTER TABLE device ADD COLUMN surface TEXT NOT NULL DEFAULT 'phone' CHECK (surface IN ('phone', 'desktop'));
