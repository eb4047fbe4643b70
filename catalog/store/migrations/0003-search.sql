-- Search in names and descriptions, in any case and any language. The text is put into lower case by the program, since
-- databases with the locale C fold only ASCII.

alter table asset add column search_text text not null default '';
update asset
  set search_text = lower(left(name, 500) || coalesce(E'\n' || left(attributes ->> 'description', 500), ''));
alter table asset alter column search_text drop default;
alter table staged_record add column search_text text;

-- Trigrams make the search fast; a server that lacks them searches all the same.
do $$
begin
  create extension if not exists pg_trgm;
  create index asset_search on asset using gin (search_text gin_trgm_ops);
exception
  when undefined_file or feature_not_supported or insufficient_privilege then
    raise notice 'pg_trgm is not available: searching reads all assets of the organisation';
end
$$;

-- The last part of a key is the id that people paste from a URL.
create index asset_id on asset (organisation_id, (reverse(key)) text_pattern_ops);
