-- Settings of connections that are set in the catalog, each change of them, and the lists of jobs of kind `inventory`.

-- The newest version is in force.
create table connector_settings (
  organisation_id uuid not null,
  connection text not null,
  version integer not null check (version > 0),
  settings jsonb not null,
  changes jsonb not null, -- what this version changed: name, from, to
  changed_at timestamptz not null default now(),
  changed_by text not null,
  primary key (organisation_id, connection, version),
  foreign key (organisation_id, connection) references connection on delete cascade on update cascade
);

-- What an inventory lists. As of a test, `attempt.checks_from` is where its list begins; null: none was opened, or it is not
-- kept any more.
create table inventory_rule (
  organisation_id uuid not null,
  job_id text not null,
  attempt integer not null,
  number integer not null check (number > 0), -- its place in the order in which rules are tried
  rule text not null,
  primary key (organisation_id, job_id, attempt, number),
  foreign key (organisation_id, job_id, attempt) references attempt on delete cascade
);

create table inventory_item (
  organisation_id uuid not null,
  job_id text not null,
  attempt integer not null,
  position bigint not null, -- by batch and line: a batch that is read again changes nothing
  kind text not null check (kind in ('stream', 'app', 'sheet')),
  key text not null,
  name text not null,
  sort_name text not null,
  within text,
  kept boolean not null,
  rule integer not null, -- 0: none decided
  primary key (organisation_id, job_id, attempt, position),
  foreign key (organisation_id, job_id, attempt) references attempt on delete cascade
);
create index inventory_item_name on inventory_item (organisation_id, job_id, attempt, sort_name, position);

-- How many items each rule kept and rejected: kept while they come, since a page counts them at every look.
create table inventory_count (
  organisation_id uuid not null,
  job_id text not null,
  attempt integer not null,
  rule integer not null,
  kind text not null,
  kept boolean not null,
  items integer not null,
  bytes bigint not null,
  primary key (organisation_id, job_id, attempt, rule, kind, kept),
  foreign key (organisation_id, job_id, attempt) references attempt on delete cascade
);
