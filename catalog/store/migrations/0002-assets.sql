-- What crawls found: scopes, their assets and edges, and what each publish changed.

create table scope (
  organisation_id uuid not null,
  id bigint generated always as identity,
  connection text not null,
  key text not null check (octet_length(key) <= 1024),
  kind text not null check (kind in ('site', 'app')),
  name text not null,
  outcome text not null,
  assets integer not null default 0, -- kept by each publish, so that a connection's total is a short sum
  listed_by text, -- the job whose complete list of apps named this scope last
  published_at timestamptz not null,
  primary key (organisation_id, id),
  unique (organisation_id, key),
  foreign key (organisation_id, connection) references connection on delete cascade on update cascade
);
create index scope_connection on scope (organisation_id, connection);

create table published_scope (
  organisation_id uuid not null,
  job_id text not null,
  attempt integer not null,
  scope text not null,
  kind text not null,
  name text not null,
  outcome text not null,
  records integer not null,
  added integer not null default 0,
  changed integer not null default 0,
  removed integer not null default 0,
  missing jsonb not null default '[]',
  error jsonb,
  difference jsonb, -- the first of what came, changed and went; null for a scope's first publish
  published_at timestamptz not null default clock_timestamp(),
  primary key (organisation_id, job_id, attempt, scope),
  foreign key (organisation_id, job_id, attempt) references attempt on delete cascade
);

create table asset (
  organisation_id uuid not null,
  key text not null check (octet_length(key) <= 1024),
  scope_id bigint not null,
  connection text not null,
  kind text not null,
  name text not null,
  sort_name text not null, -- lower case, cut: what lists are ordered by
  parent text check (octet_length(parent) <= 1024),
  attributes jsonb not null default '{}',
  hash bytea not null, -- of the content: an unchanged asset is not written again
  first_seen_at timestamptz not null,
  changed_at timestamptz not null,
  primary key (organisation_id, key, scope_id),
  foreign key (organisation_id, scope_id) references scope on delete cascade
);
create index asset_scope on asset (organisation_id, scope_id);
create index asset_children on asset (organisation_id, parent, kind, sort_name, key);
create index asset_kind on asset (organisation_id, kind, sort_name, key);
create index asset_connection on asset (organisation_id, connection, kind, sort_name, key);

create table edge (
  organisation_id uuid not null,
  scope_id bigint not null,
  connection text not null,
  kind text not null,
  from_key text not null check (octet_length(from_key) <= 1024),
  to_key text not null check (octet_length(to_key) <= 1024),
  attributes jsonb not null default '{}',
  hash bytea not null,
  primary key (organisation_id, from_key, kind, to_key, scope_id),
  foreign key (organisation_id, scope_id) references scope on delete cascade
);
create index edge_scope on edge (organisation_id, scope_id);
create index edge_to on edge (organisation_id, to_key);
create index edge_connection on edge (organisation_id, connection, kind);

-- Records of scopes that are still open, decoded. Unlogged: after a crash they are read again from the staged batches.
create unlogged table staged_record (
  organisation_id uuid not null,
  job_id text not null,
  attempt integer not null,
  publisher text not null, -- one run of the attempt's publisher
  scope text not null,
  line integer not null,
  t text not null,
  key text not null, -- of an edge: where it comes from
  kind text,
  name text,
  sort_name text,
  parent text, -- of an edge: where it leads
  attributes jsonb,
  hash bytea,
  foreign key (organisation_id, job_id, attempt) references attempt on delete cascade
);
create index staged_record_scope on staged_record (organisation_id, publisher, scope, key);
create index staged_record_attempt on staged_record (organisation_id, job_id, attempt);
