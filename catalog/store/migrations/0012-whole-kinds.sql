-- The site's scope named every app there is, also where other parts of it are missing.
alter table published_scope add column lists_apps boolean not null default false;
