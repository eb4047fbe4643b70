-- Jobs of kind `test`: what the agent's doctor found out about a connection, check by check, and what Qlik needs
-- for it.

-- One job of each kind at a time: a test is wanted most while a crawl hangs.
drop index job_at_work;
create unique index job_at_work on job (organisation_id, connection, kind)
  where state in ('leased', 'running', 'cancelling');
create index job_of_connection_kind on job (organisation_id, connection, kind, created_at desc, id desc);

-- Where the attempt's list of checks begins; null while none was opened. An attempt that is done again after a crash of
-- its agent opens the list afresh, and what came before counts for nothing.
alter table attempt add column checks_from bigint;

create table job_check (
  organisation_id uuid not null,
  job_id text not null,
  attempt integer not null,
  position bigint not null, -- by batch and line: a batch that is read again changes nothing
  target text not null,
  name text not null,
  status text not null check (status in ('pass', 'fail', 'skip')),
  seen text not null,
  code text,
  advice text,
  details jsonb not null,
  duration_ms bigint not null,
  primary key (organisation_id, job_id, attempt, position),
  foreign key (organisation_id, job_id, attempt) references attempt on delete cascade
);

-- What an administrator enters in Qlik for the connection: one row for each form.
create table job_settings (
  organisation_id uuid not null,
  job_id text not null,
  attempt integer not null,
  position bigint not null, -- as of a check
  title text not null,
  mends boolean not null,
  fields jsonb not null,
  primary key (organisation_id, job_id, attempt, position),
  foreign key (organisation_id, job_id, attempt) references attempt on delete cascade
);
