-- Why a scope was read, or why it was not: {code, message}, as its agent said it.
alter table published_scope add column reason jsonb;
alter table scope add column reason jsonb;
