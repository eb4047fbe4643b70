-- A crawl and lineage write the same scopes: a connection has one of both at work, also when two are claimed at once. Where
-- both were, lineage waits for the crawl now.
update job l set state = 'queued' where l.kind = 'lineage' and l.state in ('leased', 'running', 'cancelling')
  and exists (select from job c where c.organisation_id = l.organisation_id and c.connection = l.connection
    and c.kind = 'crawl' and c.state in ('leased', 'running', 'cancelling'));
drop index job_at_work;
create unique index job_at_work
  on job (organisation_id, connection, (case kind when 'lineage' then 'crawl' else kind end))
  where state in ('leased', 'running', 'cancelling');
