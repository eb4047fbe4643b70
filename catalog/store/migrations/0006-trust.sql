-- Keys that follow each other, agents that are shut out, and identities that two machines use.

alter table agent
  add column revoked_at timestamptz, -- for good: its machine has to enrol again
  add column quarantined_at timestamptz, -- two processes took the identity from each other, again and again
  add column session_key_id text, -- the key that opened the present session
  add column machine text, -- keyed hash of the machine's id, as the agent reported it last
  add column renewal_asked_at timestamptz, -- somebody wants it to make a new key
  add column catalog_key_id text, -- pinned when it enrolled: its successors are sent from there on
  add column signing_key_id text; -- what the jobs of its present session are signed with

alter table agent_key
  add column valid_until timestamptz, -- a later key counts; this one does until then
  add column last_used_at timestamptz;

-- Each signing key but the first was signed by the one before it.
alter table catalog_key
  add column predecessor_id text,
  add column signature bytea;
create unique index catalog_key_current on catalog_key (organisation_id) where retired_at is null;

update agent a set catalog_key_id = k.id, signing_key_id = k.id
  from catalog_key k where k.organisation_id = a.organisation_id and k.retired_at is null;

-- Each start of a process that opened a session with the agent's identity, lately. One that comes back after another took
-- over runs beside it.
create table agent_boot (
  organisation_id uuid not null,
  agent_id text not null,
  boot_id text not null,
  hostname text not null,
  platform text not null,
  machine text,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  returns integer not null default 0, -- how often it took the identity back
  returned_at timestamptz,
  primary key (organisation_id, agent_id, boot_id),
  foreign key (organisation_id, agent_id) references agent on delete cascade
);
