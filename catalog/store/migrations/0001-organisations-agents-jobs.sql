-- Who may come in, which agents and connections there are, and what was asked of them.
-- Every table and every key begins with organisation_id, and every reference carries it, so that no row can point into
-- another organisation.

create table organisation (
  id uuid primary key,
  name text not null unique check (length(name) between 1 and 200),
  created_at timestamptz not null default now()
);

create table member (
  organisation_id uuid not null references organisation on delete cascade,
  id text not null unique,
  email text not null unique, -- one login form for all: an e-mail address belongs to one organisation
  name text not null,
  password_hash text, -- null: can log in by a one-time token only
  created_at timestamptz not null default now(),
  disabled_at timestamptz,
  primary key (organisation_id, id)
);

-- Of tokens and sessions only the SHA-256 is kept.
create table login_token (
  organisation_id uuid not null,
  hash bytea not null unique,
  member_id text not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (organisation_id, hash),
  foreign key (organisation_id, member_id) references member on delete cascade
);

create table session (
  organisation_id uuid not null,
  hash bytea not null unique,
  member_id text not null,
  csrf text not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (organisation_id, hash),
  foreign key (organisation_id, member_id) references member on delete cascade
);

create table api_token (
  organisation_id uuid not null,
  id text not null,
  hash bytea not null unique,
  member_id text not null,
  name text not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  expires_at timestamptz,
  primary key (organisation_id, id),
  foreign key (organisation_id, member_id) references member on delete cascade
);

-- The Ed25519 key that signs an organisation's jobs; agents pin the public half when they enrol.
create table catalog_key (
  organisation_id uuid not null references organisation on delete cascade,
  id text not null,
  public_key bytea not null,
  private_key bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  primary key (organisation_id, id)
);

create table agent (
  organisation_id uuid not null references organisation on delete cascade,
  id text not null unique, -- an agent names itself before its organisation is known
  name text not null,
  epoch bigint not null default 0, -- raised by every authentication; the fence of older sessions
  session_id text, -- null while no session is open
  boot_id text,
  version text,
  hostname text,
  platform text,
  status jsonb,
  enrolled_at timestamptz not null default now(),
  last_seen_at timestamptz,
  disabled_at timestamptz,
  announced_health text not null default 'new',
  primary key (organisation_id, id)
);

create table agent_key (
  organisation_id uuid not null,
  agent_id text not null,
  id text not null,
  public_key bytea not null, -- SPKI, DER
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  primary key (organisation_id, agent_id, id),
  foreign key (organisation_id, agent_id) references agent on delete cascade
);

create table enrolment_token (
  organisation_id uuid not null references organisation on delete cascade,
  hash bytea not null unique,
  created_by text not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  agent_id text,
  primary key (organisation_id, hash),
  foreign key (organisation_id, agent_id) references agent on delete cascade
);

create table connection (
  organisation_id uuid not null references organisation on delete cascade,
  code text not null check (octet_length(code) between 1 and 256),
  agent_id text, -- the owner: the first agent that reported the code
  file text not null,
  status jsonb not null, -- as the owner reported it last
  created_at timestamptz not null default now(),
  reported_at timestamptz not null,
  primary key (organisation_id, code),
  foreign key (organisation_id, agent_id) references agent on delete set null (agent_id)
);
create index connection_agent on connection (organisation_id, agent_id);

-- Every file of every agent, as it was reported last.
create table connection_report (
  organisation_id uuid not null,
  agent_id text not null,
  file text not null,
  code text, -- null: no version of the file could be read yet
  status jsonb not null,
  reported_at timestamptz not null,
  primary key (organisation_id, agent_id, file),
  foreign key (organisation_id, agent_id) references agent on delete cascade
);
create index connection_report_code on connection_report (organisation_id, code);

create table job (
  organisation_id uuid not null,
  id text not null,
  connection text not null,
  kind text not null,
  spec text not null, -- the exact text that is signed
  state text not null check (state in ('queued', 'leased', 'running', 'cancelling', 'published', 'failed', 'cancelled')),
  attempt integer not null default 0, -- the latest; only it may work
  not_before timestamptz not null default now(),
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null,
  started_at timestamptz,
  finished_at timestamptz,
  progress jsonb,
  error jsonb,
  primary key (organisation_id, id),
  foreign key (organisation_id, connection) references connection on delete cascade on update cascade
);
create index job_newest on job (organisation_id, created_at desc, id desc);
create index job_of_connection on job (organisation_id, connection, created_at desc, id desc);
create index job_queue on job (organisation_id, connection, created_at) where state = 'queued';
-- One crawl of a site at a time.
create unique index job_at_work on job (organisation_id, connection) where state in ('leased', 'running', 'cancelling');

create table attempt (
  organisation_id uuid not null,
  job_id text not null,
  attempt integer not null check (attempt > 0),
  agent_id text not null,
  lease_token text not null,
  state text not null check (state in ('active', 'closed', 'lost')),
  lease_expires_at timestamptz not null,
  durable_seq bigint not null default 0, -- every batch up to here is committed
  published_seq bigint not null default 0, -- a restarted publisher begins after this batch
  error jsonb, -- what makes this attempt's stream unusable
  refused_scopes integer not null default 0,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (organisation_id, job_id, attempt),
  foreign key (organisation_id, job_id) references job on delete cascade,
  foreign key (organisation_id, agent_id) references agent on delete cascade
);
create index attempt_of_agent on attempt (organisation_id, agent_id) where state = 'active';
create index attempt_lease on attempt (lease_expires_at) where state = 'active';

-- Batches as they came; the payload goes when the batch was used up, the rest stays until the attempt is closed.
create table staged_batch (
  organisation_id uuid not null,
  job_id text not null,
  attempt integer not null,
  seq bigint not null,
  records integer not null,
  raw_bytes integer not null,
  codec text not null,
  crc32 bigint not null,
  payload bytea,
  primary key (organisation_id, job_id, attempt, seq),
  foreign key (organisation_id, job_id, attempt) references attempt on delete cascade
);
alter table staged_batch alter column payload set storage external;
