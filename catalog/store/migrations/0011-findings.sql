-- What deserves a look: judged from what was published, again with each publish.

create table finding (
  organisation_id uuid not null,
  connection text not null,
  scope_id bigint not null, -- of the asset that it is about
  code text not null,
  key text not null, -- of the asset that it is about
  detail text not null default '', -- tells several of one code about one asset apart
  apps bigint[], -- scopes of the apps that it concerns, when it is about more than one
  facts jsonb not null,
  first_seen_at timestamptz not null,
  first_job text, -- the crawl that saw it first; null: the connection's first crawl did
  primary key (organisation_id, scope_id, code, key, detail),
  foreign key (organisation_id, scope_id) references scope on delete cascade
);
create index finding_connection on finding (organisation_id, connection, code, key, detail);
create index finding_key on finding (organisation_id, key);
