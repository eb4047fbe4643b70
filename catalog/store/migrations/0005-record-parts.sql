-- Records that are too large for one batch come in parts, a batch each.
alter table staged_batch add column part text check (part in ('first', 'middle', 'last'));
