import { randomUUID } from 'node:crypto';
import { canonicalJson } from '#catalog/store/canonical.ts';
import { announce } from '#catalog/store/events.ts';
import { type Sql, sqlState, type Transaction, transact } from '#catalog/store/sql.ts';
import { isStorableValue, storable } from '#catalog/store/storable.ts';
import { MAX_ATTEMPTS } from '#protocol/constants.ts';
import { type ErrorInfo, Fault } from '#protocol/errors.ts';
import { isConnectionCode } from '#protocol/keys.ts';
import { fingerprint, type PackageEnd, type PackageHeader } from '#protocol/package.ts';
import type { ConnectionState } from '#protocol/status.ts';
import type { AttemptRef } from './attempt-ref.ts';
import { closeImported } from './finish.ts';
import { loseAttempt } from './lease.ts';
import { PackageReader, type PackedBatch } from './package-reader.ts';
import { Publisher, type PublisherLog } from './publisher.ts';

/** An import holds its job for so long at a time; one that died with its process ends then. */
const LEASE_MINUTES = 3;
const RENEW_MS = 60_000;
/** Where the connection came from: no agent watches a file for it. */
export const IMPORTED_FILE = 'file import';

export interface ImportResult {
  readonly header: PackageHeader;
  readonly end: PackageEnd;
  /** Undefined when this very package was imported before. */
  readonly jobId: string | undefined;
  /** Why not all of it was published. */
  readonly error: ErrorInfo | undefined;
}

/**
 * Publishes a package that was carried here by hand, as a crawl of the agent that signed it. All of it is staged and
 * verified before the first scope is published. A package that was imported before changes nothing.
 *
 * @param force also one that is older than the last one
 * @throws Fault `package.…`; `job.connection_busy` while a crawl or lineage of the connection is at work
 */
export const importPackage = async (
  sql: Sql,
  publishing: Sql,
  log: PublisherLog,
  organisationId: string,
  path: string,
  force: boolean,
): Promise<ImportResult> => {
  await using reader = await PackageReader.open(path);
  const { header } = reader;
  const publicKey = await keyOf(sql, organisationId, header);
  const ref = await begin(sql, organisationId, header);
  // A renewal that fails is made up for by the next; without any, the import ends as one that died.
  const renewing = setInterval(() => void renew(sql, ref).catch(() => undefined), RENEW_MS);
  try {
    let last = 0;
    for await (const batch of reader.batches()) {
      await stage(sql, ref, batch);
      last = batch.seq;
    }
    const end = await reader.finish(publicKey);
    if (await decide(sql, ref, header, end, force)) {
      await abandon(sql, ref);
      return { header, end, jobId: undefined, error: undefined };
    }
    const error = await publish(sql, publishing, log, ref, last);
    return { header, end, jobId: ref.jobId, error };
  } catch (error) {
    await abandon(sql, ref).catch(() => undefined);
    throw error;
  } finally {
    clearInterval(renewing);
  }
};

const renew = async (sql: Sql, { organisationId, jobId, attempt }: AttemptRef): Promise<void> => {
  await sql`update attempt set lease_expires_at = now() + ${`${LEASE_MINUTES} minutes`}::interval
    where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt} and state = 'active'`;
};

/** The key that has to have signed it. @throws Fault `package.untrusted` */
const keyOf = async (sql: Sql, organisationId: string, { agentId, keyId }: PackageHeader): Promise<Buffer> => {
  const [key] = await sql<{ publicKey: Buffer; barred: boolean; revoked: boolean; name: string }[]>`
    select k.public_key as "publicKey", a.name, k.revoked_at is not null or a.revoked_at is not null as revoked,
      a.disabled_at is not null or a.quarantined_at is not null or coalesce(k.valid_until <= now(), false) as barred
    from agent_key k join agent a on a.organisation_id = k.organisation_id and a.id = k.agent_id
    where k.organisation_id = ${organisationId} and k.agent_id = ${agentId} and k.id = ${keyId}`;
  if (!key)
    throw new Fault('package.untrusted', `No agent here has the key ${fingerprint(keyId)} that signed the package.`);
  if (key.revoked)
    throw new Fault('package.untrusted', `The key ${fingerprint(keyId)} of ${key.name} was revoked.`, {
      advice: 'Enrol the machine anew, and make the package again.',
    });
  if (key.barred)
    throw new Fault('package.untrusted', `The agent ${key.name} is shut out, or its key is not valid any more.`, {
      advice: 'Look at its page; enable it, or make the package again with its present key.',
    });
  return key.publicKey;
};

const busy = (code: string): Fault =>
  new Fault('job.connection_busy', `A crawl, an import or lineage of ${code} is at work.`, {
    advice: `Wait until it has ended; one whose process was killed is cleared up by an import ${LEASE_MINUTES} minutes later.`,
  });

/** A job that nobody else takes. @throws Fault `package.damaged`, `package.untrusted`, `job.connection_busy` */
const begin = async (sql: Sql, organisationId: string, header: PackageHeader): Promise<AttemptRef> => {
  try {
    return await beginAlone(sql, organisationId, header);
  } catch (error) {
    // A job that began at the same moment was not there yet when it was looked for.
    throw sqlState(error) === '23505' ? busy(header.connection.code) : error;
  }
};

const beginAlone = (sql: Sql, organisationId: string, header: PackageHeader): Promise<AttemptRef> => {
  const { agentId, connection } = header;
  const { code } = connection;
  if (!isConnectionCode(code) || !isStorableValue(header))
    throw new Fault('package.damaged', 'The package is damaged: its connection has no usable code.');
  return transact(sql, async (tx) => {
    const [known] = await tx<{ agentId: string | null; file: string }[]>`
      select agent_id as "agentId", file from connection
      where organisation_id = ${organisationId} and code = ${code} for update`;
    if (known && known.agentId !== null && known.agentId !== agentId)
      throw new Fault('package.untrusted', `The connection ${code} belongs to another agent.`, {
        advice: 'Assign it to the agent that made the package, or give one of them another code.',
      });
    if (!known)
      await tx`insert into connection (organisation_id, code, agent_id, file, status, reported_at)
        values (${organisationId}, ${code}, ${agentId}, ${IMPORTED_FILE},
          ${JSON.stringify(stateOf(header))}::text::jsonb, now())`;
    // An import that was killed: no catalog has to run for the next one to clear up after it.
    const dead = await tx<{ jobId: string; attempt: number }[]>`
      select a.job_id as "jobId", a.attempt from attempt a
        join job j on j.organisation_id = a.organisation_id and j.id = a.job_id and j.attempt = a.attempt
      where a.organisation_id = ${organisationId} and j.connection = ${code} and j.kind = 'crawl'
        and a.attempt = ${MAX_ATTEMPTS} and a.state = 'active' and a.lease_expires_at < now()`;
    for (const { jobId, attempt } of dead) await loseAttempt(tx, organisationId, jobId, attempt);
    const [atWork] = await tx`select from job where organisation_id = ${organisationId}
      and connection = ${code} and kind in ('crawl', 'lineage') and state in ('leased', 'running', 'cancelling')`;
    if (atWork) throw busy(code);
    const ref: AttemptRef = {
      organisationId,
      jobId: randomUUID(),
      attempt: MAX_ATTEMPTS,
      leaseToken: randomUUID(),
      connection: code,
      kind: 'crawl',
    };
    const spec = canonicalJson({
      jobId: ref.jobId,
      connection: code,
      kind: 'crawl',
      options: {},
      createdAt: header.createdAt,
    });
    // The last attempt from the first: were it queued again, the agent would be sent to crawl.
    await tx`insert into job (organisation_id, id, connection, kind, spec, state, attempt, created_by, started_at)
      values (${organisationId}, ${ref.jobId}, ${code}, 'crawl', ${spec}, 'running', ${ref.attempt}, ${IMPORTED_FILE}, now())`;
    await tx`insert into attempt (organisation_id, job_id, attempt, agent_id, lease_token, state, lease_expires_at)
      values (${organisationId}, ${ref.jobId}, ${ref.attempt}, ${agentId}, ${ref.leaseToken}, 'active',
        now() + ${`${LEASE_MINUTES} minutes`}::interval)`;
    await announce(tx, organisationId, { name: 'job', id: ref.jobId, connection: code });
    return ref;
  });
};

const stateOf = ({ connection: { code, name, url }, createdAt }: PackageHeader): ConnectionState => ({
  file: IMPORTED_FILE,
  code,
  name,
  state: 'ready',
  inForce: null,
  loadedAt: createdAt,
  url,
  authentication: null,
  environment: null,
  description: null,
  accessNotes: null,
  bypassCertificateValidation: false,
  problems: [],
});

const stage = async (sql: Sql, ref: AttemptRef, batch: PackedBatch): Promise<void> => {
  const { organisationId, jobId, attempt } = ref;
  await sql`insert into staged_batch (organisation_id, job_id, attempt, seq, records, raw_bytes, codec, crc32, payload)
    values (${organisationId}, ${jobId}, ${attempt}, ${batch.seq}, ${batch.records}, ${batch.rawBytes}, 'zstd',
      ${batch.crc32}, ${batch.payload})`;
};

/** Whether it was imported before. @throws Fault `package.replayed` for one that is older than the last one */
const decide = (sql: Sql, ref: AttemptRef, header: PackageHeader, end: PackageEnd, force: boolean): Promise<boolean> =>
  transact(sql, async (tx) => {
    const { organisationId, jobId, connection } = ref;
    const [last] = await tx<{ createdAt: string; sha256: string; state: string }[]>`
      select spec::jsonb #>> '{options,package,createdAt}' as "createdAt", state,
        spec::jsonb #>> '{options,package,sha256}' as sha256
      from job where organisation_id = ${organisationId} and connection = ${connection} and kind = 'crawl'
        and created_by = ${IMPORTED_FILE} and spec::jsonb #> '{options,package}' is not null and id <> ${jobId}
        and exists (select from published_scope s where s.organisation_id = job.organisation_id and s.job_id = job.id)
      order by created_at desc limit 1`;
    if (last?.state === 'published' && last.sha256 === end.sha256 && !force) return true;
    if (last && Date.parse(header.createdAt) < Date.parse(last.createdAt) && !force)
      throw new Fault(
        'package.replayed',
        `The package is of ${header.createdAt}; one of ${last.createdAt} was imported for ${connection} already.`,
      );
    // What an agent sent since by itself is newer, too.
    const [crawled] = await tx<{ startedAt: Date }[]>`select started_at as "startedAt" from job
      where organisation_id = ${organisationId} and connection = ${connection} and kind = 'crawl'
        and created_by <> ${IMPORTED_FILE} and started_at > ${header.createdAt}::text::timestamptz
        and exists (select from published_scope s where s.organisation_id = job.organisation_id and s.job_id = job.id)
      order by started_at desc limit 1`;
    if (crawled && !force)
      throw new Fault(
        'package.replayed',
        `The package is of ${header.createdAt}; a crawl of ${crawled.startedAt.toISOString()} was published for ${connection} already.`,
      );
    const made = { createdAt: header.createdAt, sha256: end.sha256 };
    const options = { package: made };
    const spec = canonicalJson({ jobId, connection, kind: 'crawl', options, createdAt: header.createdAt });
    await tx`update job set spec = ${spec} where organisation_id = ${organisationId} and id = ${jobId}`;
    return false;
  });

const publish = async (
  sql: Sql,
  publishing: Sql,
  log: PublisherLog,
  ref: AttemptRef,
  last: number,
): Promise<ErrorInfo | undefined> => {
  await sql`update attempt set durable_seq = ${last} where organisation_id = ${ref.organisationId}
    and job_id = ${ref.jobId} and attempt = ${ref.attempt}`;
  // What an agent calls unchanged since its own last crawl may be another thing from now on.
  await sql`update connection set checkpoint = null where organisation_id = ${ref.organisationId}
    and code = ${ref.connection}`;
  const publisher = new Publisher(publishing, log, ref);
  try {
    await publisher.consumed(last);
    const error = await closeImported(sql, ref, publisher.openScopes);
    return error === undefined ? undefined : storable(error);
  } finally {
    await publisher.close();
  }
};

/** Nothing of it was published: it leaves no trace, not even a connection that was made for it. */
const abandon = (sql: Sql, ref: AttemptRef): Promise<void> =>
  transact(sql, async (tx: Transaction) => {
    const { organisationId, jobId, connection } = ref;
    const [published] = await tx`select from published_scope
      where organisation_id = ${organisationId} and job_id = ${jobId} limit 1`;
    if (published) {
      await tx`update attempt set lease_expires_at = now() where organisation_id = ${organisationId} and job_id = ${jobId}`;
      return;
    }
    await tx`delete from job where organisation_id = ${organisationId} and id = ${jobId}`;
    await tx`delete from connection c where c.organisation_id = ${organisationId} and c.code = ${connection}
      and c.file = ${IMPORTED_FILE}
      and not exists (select from job j where j.organisation_id = c.organisation_id and j.connection = c.code)
      and not exists (select from scope s where s.organisation_id = c.organisation_id and s.connection = c.code)`;
    await announce(tx, organisationId, { name: 'connection', code: connection });
  });
