-- What apps and sheets look like: drawn by the agent, or kept by Qlik. A picture lives as long as its asset.
create table picture (
  organisation_id uuid not null,
  scope_id bigint not null,
  key text not null,
  source text not null check (source in ('layout', 'data', 'thumbnail')),
  media_type text not null,
  content bytea not null,
  hash bytea not null, -- of the content: what is the same is not written again
  changed_at timestamptz not null default now(),
  primary key (organisation_id, key, source),
  foreign key (organisation_id, key, scope_id) references asset (organisation_id, key, scope_id)
    on delete cascade on update cascade
);
-- They are compressed, or too small for it to matter.
alter table picture alter column content set storage external;
create index picture_asset on picture (organisation_id, key, scope_id);
create index picture_scope on picture (organisation_id, scope_id);

-- Of pictures: `kind` is their source, `name` their media type.
alter table staged_record add column content bytea;
alter table staged_record alter column content set storage external;
