-- From where the next crawl of a connection may go on, and what scopes and assets were when they were read last.

-- The name that the agent gave to its state in the last crawl that was published whole; null: the next one reads everything.
alter table connection add column checkpoint text;
-- Of the site's scope of this attempt.
alter table attempt add column checkpoint text;

-- What the last reading lacked and why: a crawl that finds a scope unchanged reads nothing, and leaves these as they are.
alter table scope
  add column missing jsonb not null default '[]',
  add column error jsonb,
  add column looked_at timestamptz, -- when a crawl last looked whether it changed
  add column gone_at timestamptz; -- it is gone from the site and kept by policy

-- It is gone from the site, and was kept with this mark by policy.
alter table asset add column gone_at timestamptz;
