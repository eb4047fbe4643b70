import type { AgentSession, GatewayBackend } from '#catalog/gateway/backend.ts';
import { databaseFault } from '#catalog/store/database-fault.ts';
import type { Bus } from '#catalog/store/events.ts';
import type { Sql } from '#catalog/store/sql.ts';
import { isStorable } from '#catalog/store/storable.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { Lease } from '#protocol/messages.ts';
import type { AttemptRef } from './attempt-ref.ts';
import { accept, claim, reject, takeProgress } from './claim.ts';
import { enrol } from './enrolment.ts';
import { closeAttempt } from './finish.ts';
import { Publisher, type PublisherLog } from './publisher.ts';
import { rotateKey } from './rotation.ts';
import { authenticate, endAgentSession, renew, takeStatus } from './session.ts';
import { stageBatch } from './staging.ts';
import { sweep } from './sweep.ts';

const SWEEP_MS = 5_000;
/** Longer than an update or a restart of the machine takes. */
const STANDBY_AFTER_MS = 15 * 60_000;

export interface Backend extends GatewayBackend {
  /** Goes on with what an earlier run left staged, and begins to look for leases that ran out. */
  start(): Promise<void>;
  /** Stops the publishers; what they did not publish stays staged. */
  close(): Promise<void>;
}

const nameOf = (ref: Pick<AttemptRef, 'organisationId' | 'jobId' | 'attempt'>): string =>
  `${ref.organisationId} ${ref.jobId} ${ref.attempt}`;

/** All that the gateway needs, over PostgreSQL. Any number of these may work on one database. */
export const createBackend = ({
  sql,
  publishing = sql,
  bus,
  log,
  sweepMs = SWEEP_MS,
  standbyAfterMs = STANDBY_AFTER_MS,
}: {
  readonly sql: Sql;
  /** The pool of the publishers, so that crawls cannot take all connections from those who ask. */
  readonly publishing?: Sql;
  readonly bus: Bus;
  readonly log: PublisherLog;
  /** How often to look for leases that ran out; 0: never (tests do it themselves). */
  readonly sweepMs?: number;
  /** How long an agent is gone before another that has the same connection takes it over. Default 15 min. */
  readonly standbyAfterMs?: number | undefined;
}): Backend => {
  const publishers = new Map<string, Publisher>();
  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<void> = Promise.resolve();
  let isClosed = false;

  const publisherOf = (ref: AttemptRef): Publisher => {
    const found = publishers.get(nameOf(ref));
    // One that ended is not taken again: a database that failed over may have the attempt as it was before.
    if (found?.ref.leaseToken === ref.leaseToken && !found.hasEnded) return found;
    const made = new Publisher(publishing, log, ref);
    publishers.set(nameOf(ref), made);
    return made;
  };

  const refOf = async (session: AgentSession, lease: Lease): Promise<AttemptRef | undefined> => {
    const { organisationId, agentId } = session;
    const known = publishers.get(nameOf({ organisationId, jobId: lease.jobId, attempt: lease.attempt }));
    if (known?.ref.leaseToken === lease.leaseToken) return known.ref;
    const [row] = await sql<{ connection: string; kind: string }[]>`
      select j.connection, j.kind from attempt a join job j on j.organisation_id = a.organisation_id and j.id = a.job_id
      where a.organisation_id = ${organisationId} and a.job_id = ${lease.jobId} and a.attempt = ${lease.attempt}
        and a.lease_token = ${lease.leaseToken} and a.agent_id = ${agentId} and a.state = 'active'`;
    if (!row) return undefined;
    const { jobId, attempt, leaseToken } = lease;
    return { organisationId, jobId, attempt, leaseToken, ...row };
  };

  const drop = async (name: string): Promise<void> => {
    const publisher = publishers.get(name);
    publishers.delete(name);
    await publisher?.close();
  };

  /** Publishers of attempts that have ended have nothing more to do. */
  const dropEnded = async (): Promise<void> => {
    for (const [name, { ref }] of publishers) {
      const [active] = await sql`select from attempt where organisation_id = ${ref.organisationId}
        and job_id = ${ref.jobId} and attempt = ${ref.attempt} and state = 'active'`;
      if (!active) await drop(name);
    }
  };

  /** Publishes what is staged but was not published yet, by a process that is gone. */
  const recover = async (): Promise<void> => {
    const left = await sql<(AttemptRef & { durableSeq: number })[]>`
      select a.organisation_id as "organisationId", a.job_id as "jobId", a.attempt, a.lease_token as "leaseToken",
        j.connection, j.kind, a.durable_seq::float8 as "durableSeq"
      from attempt a join job j on j.organisation_id = a.organisation_id and j.id = a.job_id
      where a.state = 'active' and a.published_seq < a.durable_seq`;
    for (const { durableSeq, ...ref } of left)
      if (!publishers.has(nameOf(ref))) void publisherOf(ref).consumed(durableSeq);
  };

  const sweepOnce = async (): Promise<void> => {
    try {
      await sweep(sql, standbyAfterMs);
      await dropEnded();
    } catch (error) {
      if (!isClosed) log.warn({ err: error }, 'sweep failed');
    }
  };

  const backend: Backend = {
    enrol: (request) => enrol(sql, request),
    authenticate: async (auth, proof) => {
      const reply = await authenticate(sql, auth, proof);
      if ('session' in reply && reply.replacedKeyEndsAt)
        log.warn(
          {
            agentId: auth.agentId,
            keyId: auth.keyId,
            keyEndsAt: reply.replacedKeyEndsAt.toISOString(),
            advice:
              'Its disk may come from a backup; then it has to rotate its key before that time. If nobody restored it, somebody else has its key and replaced it: revoke the agent and enrol the machine again.',
          },
          'an agent opened a session with a key that was replaced',
        );
      faultPoint('catalog.session_stored');
      return reply;
    },
    claim: async (session) => {
      const offer = await claim(sql, session);
      if (offer) faultPoint('catalog.job_leased');
      return offer;
    },
    accept: (session, lease) => accept(sql, session, lease),
    reject: (session, lease, error) => reject(sql, session, lease, error),
    renew: (session, leases) => renew(sql, session, leases),
    progress: (session, progress) => takeProgress(sql, session, progress),
    status: (session, status) => takeStatus(sql, session, status),
    disconnected: (session) => endAgentSession(sql, session),
    rotateKey: (session, key) => rotateKey(sql, session, key),
    onWake: (session, wake) =>
      bus.onWake(session.agentId, ({ end, ...what }) => {
        // Word of an earlier session's end may come late.
        if (end === undefined) wake(what);
        else if (session.epoch <= end.epoch)
          wake({ end: { closeCode: end.closeCode, message: end.message, advice: end.advice } });
      }),

    storeBatch: async (session, lease, batch) => {
      const staged = await stageBatch(sql, session, lease, batch);
      const ref = staged.result === 'stored' ? await refOf(session, lease) : undefined;
      return { ...staged, consumed: ref && !isClosed ? publisherOf(ref).stored(batch.seq) : Promise.resolve() };
    },

    finish: async (session, finish) => {
      if (!isStorable(finish.jobId) || !isStorable(finish.leaseToken)) return { result: 'lost', durableSeq: 0 };
      const ref = await refOf(session, finish);
      // Without an active attempt the answer is `closed` or `lost`; closing finds out which.
      const { organisationId } = session;
      const { jobId, attempt, leaseToken } = finish;
      if (!ref)
        return await closeAttempt(
          sql,
          session,
          { organisationId, jobId, attempt, leaseToken, connection: '', kind: '' },
          finish,
          [],
        );
      const [row] = await sql<{ durableSeq: number }[]>`
        select durable_seq::float8 as "durableSeq" from attempt where organisation_id = ${organisationId}
          and job_id = ${jobId} and attempt = ${attempt} and state = 'active'`;
      const durableSeq = row?.durableSeq ?? 0;
      // An attempt that has ended meanwhile asks for nothing more, though this process may still know it.
      if (row && durableSeq < finish.lastSeq) return { result: 'gap', durableSeq };
      const publisher = publisherOf(ref);
      await publisher.settled(durableSeq);
      if (isClosed) throw new Error('the catalog is stopping');
      const answer = await closeAttempt(sql, session, ref, finish, publisher.openScopes);
      faultPoint('catalog.job_ended');
      if (answer.result !== 'gap') await drop(nameOf(ref));
      return answer;
    },

    start: async () => {
      await recover();
      if (sweepMs > 0)
        timer = setInterval(() => {
          sweeping = sweeping.then(sweepOnce);
        }, sweepMs);
    },

    close: async () => {
      isClosed = true;
      clearInterval(timer);
      await Promise.all([sweeping, ...[...publishers.keys()].map(drop)]);
    },
  };
  return sayingWhy(backend);
};

/** The same backend, but what it rejects with says what is wrong with the database, when it is that. */
const sayingWhy = (backend: Backend): Backend =>
  new Proxy(backend, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(method, target, args);
        if (!(result instanceof Promise)) return result;
        return result.catch((error: unknown) => {
          throw databaseFault(error) ?? error;
        });
      };
    },
  });
