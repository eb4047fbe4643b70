-- A dataset that is a pattern (`sales_*.qvd`) is looked for by the folder in which all lies that it fits, and what fits it by
-- the beginning of its key.
create function pattern_folder(pattern text) returns text language sql immutable strict parallel safe
  return regexp_replace(regexp_replace(pattern, '[*?].*$', ''), '[^/]*$', '');

create index asset_pattern on asset (organisation_id, (pattern_folder(attributes ->> 'pattern')) text_pattern_ops)
  where kind = 'dataset' and attributes ? 'pattern';
create index asset_dataset on asset (organisation_id, key text_pattern_ops) where kind = 'dataset';
