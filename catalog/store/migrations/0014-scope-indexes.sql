-- Each row of an asset or edge that is put in asks for its scope, by organisation and id. While the table is new and small,
-- an index that begins with the organisation alone looked as good for that as the primary key, and read all scopes of the
-- organisation each time. So the others begin with something else.

drop index scope_connection;
create index scope_connection on scope (connection, organisation_id);
alter table scope drop constraint scope_organisation_id_key_key;
alter table scope add constraint scope_key unique (key, organisation_id);
