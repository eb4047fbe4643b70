import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Identity } from '#agent/bridge/identity.ts';
import { offlineRequest, takeOfflineReply } from '#agent/bridge/offline-enrolment.ts';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { PackageFile } from '#agent/commands/package-file.ts';
import { importPackage } from '#catalog/jobs/import-package.ts';
import { revokeAgent, revokeAgentKey } from '#catalog/store/agent-trust.ts';
import { listJobs } from '#catalog/store/jobs.ts';
import { addOfflineAgent } from '#catalog/store/offline-agents.ts';
import { createOrganisation, type Organisation } from '#catalog/store/organisations.ts';
import { PACKAGE_CHUNKS, packageText } from '#protocol/package.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { appRecords, siteRecords } from './agent.ts';
import { silent } from './database.ts';
import { World } from './world.ts';

let world: World;
let folder: string;
beforeAll(async () => {
  world = await World.open();
  folder = mkdtempSync(join(tmpdir(), 'culvert-packages-'));
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

let made = 0;

/** An organisation, and an agent of it that was enrolled by files carried to and fro. */
const enrolled = async (): Promise<{ organisation: Organisation; identity: Identity }> => {
  made += 1;
  const organisation = await createOrganisation(world.sql, `Island ${made}`);
  const state = join(folder, `state-${made}`);
  const { request } = await offlineRequest(state, 'island', '1.0.0');
  const reply = await addOfflineAgent(world.sql, organisation, request, Buffer.from(request.publicKey, 'base64'));
  return { organisation, identity: await takeOfflineReply(state, JSON.stringify(reply)) };
};

const pack = async (
  identity: Identity,
  records: readonly StreamRecord[],
  createdAt = '2026-11-22T08:00:00.000Z',
): Promise<string> => {
  made += 1;
  const path = join(folder, `package-${made}`);
  await using file = await PackageFile.open(path, identity, {
    connection: { code: 'prod', name: 'Production', url: 'https://qlik.example.com' },
    agentVersion: '1.0.0',
    createdAt,
  });
  const gate = new RecordGate(file);
  for (const record of records) await gate.write(record);
  await file.close();
  return path;
};

const site = (apps: Record<string, string[]>): StreamRecord[] => [
  ...siteRecords('prod', Object.keys(apps)),
  ...Object.entries(apps).flatMap(([app, sheets]) => appRecords('prod', app, sheets)),
];

const take = (organisation: Organisation, path: string, force = false) =>
  importPackage(world.sql, world.publishing, silent, organisation.id, path, force);

const traces = async ({ id }: Organisation) =>
  await world.sql`select (select count(*)::int from job where organisation_id = ${id}) as jobs,
    (select count(*)::int from connection where organisation_id = ${id}) as connections,
    (select count(*)::int from asset where organisation_id = ${id}) as assets,
    (select count(*)::int from staged_batch where organisation_id = ${id}) as batches`;
const NONE = [{ jobs: 0, connections: 0, assets: 0, batches: 0 }];

test('a package is published as a crawl is, with its history, and its connection says where it came from', async () => {
  const { organisation, identity } = await enrolled();
  const first = await take(organisation, await pack(identity, site({ a: ['s1', 's2'], b: ['s1'] })));
  expect(first).toMatchObject({ error: undefined, end: { records: 15 } });
  expect(await world.counts(organisation.id)).toEqual({ site: 1, stream: 1, app: 2, sheet: 3 });
  const { items } = await listJobs(world.sql, organisation.id, { limit: 10 });
  expect(items).toMatchObject([
    { id: first.jobId, kind: 'crawl', state: 'published', createdBy: 'file import', outcomes: { complete: 3 } },
  ]);
  const [connection] =
    await world.sql`select file, agent_id from connection where organisation_id = ${organisation.id}`;
  expect(connection).toEqual({ file: 'file import', agent_id: identity.agentId });
  // The next one is told as a difference, and what it does not list is gone.
  const next = await take(organisation, await pack(identity, site({ a: ['s2', 's3'] }), '2026-11-23T08:00:00.000Z'));
  expect(await world.counts(organisation.id)).toEqual({ site: 1, stream: 1, app: 1, sheet: 2 });
  expect(await world.scopes(organisation.id, next.jobId ?? '')).toEqual(
    expect.arrayContaining([expect.objectContaining({ scope: 'prod/a', added: 1, removed: 1 })]),
  );
});

test('a package that was imported before changes nothing', async () => {
  const { organisation, identity } = await enrolled();
  const path = await pack(identity, site({ a: ['s1'] }));
  await take(organisation, path);
  const rows = () => world.sql`select key, xmin::text, ctid::text from asset
    where organisation_id = ${organisation.id} order by key`;
  const [before, trace] = [await rows(), await traces(organisation)];
  expect(await take(organisation, path)).toMatchObject({ jobId: undefined });
  expect([await rows(), await traces(organisation)]).toEqual([before, trace]);
});

test('an import that was killed is in the way of the next one until its lease is over, and then no more', async () => {
  const { organisation, identity } = await enrolled();
  await take(organisation, await pack(identity, site({ a: ['s1'] }), '2026-11-20T08:00:00.000Z'));
  const { id } = organisation;
  // As it lies there when the process was killed in the midst of it.
  await world.sql`update job set state = 'running' where organisation_id = ${id}`;
  await world.sql`update attempt set state = 'active', lease_expires_at = now() + interval '1 minute'
    where organisation_id = ${id}`;
  const next = await pack(identity, site({ a: ['s2'] }), '2026-11-21T08:00:00.000Z');
  await expect(take(organisation, next)).rejects.toMatchObject({ code: 'job.connection_busy' });
  await world.sql`update attempt set lease_expires_at = now() - interval '1 second' where organisation_id = ${id}`;
  expect(await take(organisation, next)).toMatchObject({ error: undefined });
  const { items } = await listJobs(world.sql, id, { limit: 10 });
  expect(items.map(({ state }) => state)).toEqual(['published', 'failed']);
});

test('lineage that is at work is in the way of an import, which writes the same scopes', async () => {
  const { organisation, identity } = await enrolled();
  await take(organisation, await pack(identity, site({ a: ['s1'] })));
  await world.sql`insert into job (organisation_id, id, connection, kind, spec, state, attempt, created_by)
    values (${organisation.id}, 'lineage', 'prod', 'lineage', '{}', 'running', 1, 'ann')`;
  const next = await pack(identity, site({ a: ['s2'] }), '2026-11-23T08:00:00.000Z');
  await expect(take(organisation, next)).rejects.toMatchObject({ code: 'job.connection_busy' });
});

test('a job that begins at the same moment as an import is in its way, and is said to be', async () => {
  const { organisation, identity } = await enrolled();
  await take(organisation, await pack(identity, site({ a: ['s1'] })));
  const next = await pack(identity, site({ a: ['s2'] }), '2026-11-23T08:00:00.000Z');
  let refused: Promise<unknown> | undefined;
  await world.sql.begin(async (tx) => {
    await tx`insert into job (organisation_id, id, connection, kind, spec, state, attempt, created_by)
      values (${organisation.id}, 'lineage', 'prod', 'lineage', '{}', 'running', 1, 'ann')`;
    // The import looked before it was there; it waits for what becomes of it.
    refused = expect(take(organisation, next)).rejects.toMatchObject({ code: 'job.connection_busy' });
    await expect
      .poll(
        () => world.sql`select from pg_locks l join pg_stat_activity a using (pid)
          where l.locktype = 'transactionid' and not l.granted and a.datname = current_database()`,
      )
      .toHaveLength(1);
  });
  await refused;
});

test('after a package an agent goes on from no crawl that was before it', async () => {
  const { organisation, identity } = await enrolled();
  await take(organisation, await pack(identity, site({ a: ['s1'] }), '2026-11-20T08:00:00.000Z'));
  await world.sql`update connection set checkpoint = 'of-a-crawl' where organisation_id = ${organisation.id}`;
  await take(organisation, await pack(identity, site({ a: ['s2'] }), '2026-11-21T08:00:00.000Z'));
  expect(await world.sql`select checkpoint from connection where organisation_id = ${organisation.id}`).toEqual([
    { checkpoint: null },
  ]);
});

test('an older package is refused unless it is forced', async () => {
  const { organisation, identity } = await enrolled();
  const old = await pack(identity, site({ a: ['old'] }), '2026-11-20T08:00:00.000Z');
  await take(organisation, await pack(identity, site({ a: ['new'] }), '2026-11-21T08:00:00.000Z'));
  const trace = await traces(organisation);
  await expect(take(organisation, old)).rejects.toMatchObject({ code: 'package.replayed' });
  expect(await traces(organisation)).toEqual(trace);
  expect((await take(organisation, old, true)).jobId).toBeDefined();
});

test('a package that is older than a crawl that the agent sent by itself is refused unless it is forced', async () => {
  const { organisation, identity } = await enrolled();
  await take(organisation, await pack(identity, site({ a: ['s1'] }), '2026-11-20T08:00:00.000Z'));
  // As if the tunnel had brought it.
  await world.sql`update job set created_by = 'a person', spec = (spec::jsonb #- '{options,package}')::text,
    started_at = '2026-11-22T08:00:00Z' where organisation_id = ${organisation.id}`;
  const old = await pack(identity, site({ a: ['old'] }), '2026-11-21T08:00:00.000Z');
  const trace = await traces(organisation);
  await expect(take(organisation, old)).rejects.toMatchObject({ code: 'package.replayed' });
  expect(await traces(organisation)).toEqual(trace);
  const young = await pack(identity, site({ a: ['s2'] }), '2026-11-22T09:00:00.000Z');
  expect((await take(organisation, young)).jobId).toBeDefined();
  expect((await take(organisation, old, true)).jobId).toBeDefined();
});

describe('what is not whole leaves no trace', () => {
  test('cut at any place', async () => {
    const { organisation, identity } = await enrolled();
    const bytes = readFileSync(await pack(identity, site({ a: ['s1'] })));
    const path = join(folder, 'cut');
    for (let length = 0; length < bytes.length; length += 1 + Math.floor(bytes.length / 16)) {
      writeFileSync(path, bytes.subarray(0, length));
      await expect(take(organisation, path), `cut at ${length}`).rejects.toMatchObject({ code: 'package.damaged' });
    }
    writeFileSync(path, Buffer.concat([bytes, Buffer.from('x')]));
    await expect(take(organisation, path)).rejects.toMatchObject({ code: 'package.damaged' });
    expect(await traces(organisation)).toEqual(NONE);
  });

  test('with any byte changed', async () => {
    const { organisation, identity } = await enrolled();
    const bytes = readFileSync(await pack(identity, site({ a: ['s1'] })));
    const path = join(folder, 'changed');
    for (let at = 0; at < bytes.length; at += 1 + Math.floor(bytes.length / 24)) {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ 1;
      writeFileSync(path, copy);
      await expect(take(organisation, path), `changed at ${at}`).rejects.toMatchObject({
        code: expect.stringMatching(/^package\.(damaged|untrusted|version)$/),
      });
    }
    expect(await traces(organisation)).toEqual(NONE);
  });

  /** A package of these chunks, signed as it should be. */
  const crafted = (identity: Identity, chunks: readonly (readonly [number, Buffer])[]): string => {
    const parts: Uint8Array[] = [Buffer.from('CULVERT\n')];
    for (const [kind, payload] of chunks) {
      const head = Buffer.alloc(5);
      head.writeUInt8(kind, 0);
      head.writeUInt32BE(payload.length, 1);
      parts.push(head, payload);
    }
    const sha256 = createHash('sha256').update(Buffer.concat(parts)).digest('hex');
    const { signature } = identity.sign((agentId, keyId) => packageText(agentId, keyId, sha256));
    const head = Buffer.from([PACKAGE_CHUNKS.signature, 0, 0, 0, 64]);
    const path = join(folder, `crafted-${++made}`);
    writeFileSync(path, Buffer.concat([...parts, head, signature]));
    return path;
  };
  const header = (identity: Identity, version = 1): readonly [number, Buffer] => [
    PACKAGE_CHUNKS.header,
    Buffer.from(
      JSON.stringify({
        version,
        connection: { code: 'prod', name: 'P', url: '' },
        agentId: identity.agentId,
        keyId: identity.keyId,
        agentVersion: '1',
        createdAt: '2026-11-22T08:00:00.000Z',
        codec: 'zstd',
      }),
    ),
  ];

  test('a batch that unpacks to more than it says, or says too much', async () => {
    const { organisation, identity } = await enrolled();
    const bomb = zstdCompressSync(Buffer.alloc(200 * 1024 * 1024));
    for (const raw of [1000, 200 * 1024 * 1024]) {
      const counts = Buffer.alloc(8);
      counts.writeUInt32BE(1, 0);
      counts.writeUInt32BE(raw, 4);
      const path = crafted(identity, [header(identity), [PACKAGE_CHUNKS.batch, Buffer.concat([counts, bomb])]]);
      await expect(take(organisation, path)).rejects.toMatchObject({ code: 'package.damaged' });
    }
    expect(await traces(organisation)).toEqual(NONE);
  });

  test('of another format', async () => {
    const { organisation, identity } = await enrolled();
    await expect(take(organisation, crafted(identity, [header(identity, 2)]))).rejects.toMatchObject({
      code: 'package.version',
    });
    const path = join(folder, 'no-package');
    writeFileSync(path, '{"t":"scope"}\n');
    await expect(take(organisation, path)).rejects.toMatchObject({ code: 'package.damaged' });
    await expect(take(organisation, join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'package.unreadable' });
  });
});

describe('who is not trusted', () => {
  test('is a stranger, an agent of another organisation, and who signs for another', async () => {
    const [{ organisation, identity }, other] = [await enrolled(), await enrolled()];
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const stranger = new Identity({
      agentId: identity.agentId,
      keyId: identity.keyId,
      organisation: 'x',
      catalogKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
      privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    });
    await expect(take(organisation, await pack(stranger, site({})))).rejects.toMatchObject({ code: 'package.damaged' });
    const foreign = await pack(other.identity, site({}));
    await expect(take(organisation, foreign)).rejects.toMatchObject({ code: 'package.untrusted' });
    expect(await traces(organisation)).toEqual(NONE);
  });

  test('is an agent whose key, or which itself, was revoked', async () => {
    const { organisation, identity } = await enrolled();
    const path = await pack(identity, site({}));
    await revokeAgentKey(world.sql, organisation.id, identity.agentId, identity.keyId, true);
    await expect(take(organisation, path)).rejects.toMatchObject({ code: 'package.untrusted' });
    const again = await enrolled();
    const later = await pack(again.identity, site({}));
    await revokeAgent(world.sql, again.organisation.id, again.identity.agentId);
    await expect(take(again.organisation, later)).rejects.toMatchObject({ code: 'package.untrusted' });
  });

  test('is an agent that has not this connection', async () => {
    const { organisation, identity } = await enrolled();
    await take(organisation, await pack(identity, site({ a: [] })));
    const { request } = await offlineRequest(join(folder, 'second'), 'second', '1');
    const reply = await addOfflineAgent(world.sql, organisation, request, Buffer.from(request.publicKey, 'base64'));
    const second = await takeOfflineReply(join(folder, 'second'), JSON.stringify(reply));
    const path = await pack(second, site({ b: [] }), '2026-12-01T08:00:00.000Z');
    await expect(take(organisation, path)).rejects.toMatchObject({ code: 'package.untrusted' });
  });
});

describe('enrolling by hand', () => {
  test('the same request again has the same key and the same answer', async () => {
    const organisation = await createOrganisation(world.sql, 'Again');
    const state = join(folder, 'again');
    const [one, two] = [await offlineRequest(state, 'a', '1'), await offlineRequest(state, 'a', '1')];
    expect(two).toEqual(one);
    expect(JSON.stringify(one)).not.toContain('PRIVATE');
    const key = Buffer.from(one.request.publicKey, 'base64');
    const reply = await addOfflineAgent(world.sql, organisation, one.request, key);
    expect(await addOfflineAgent(world.sql, organisation, one.request, key)).toEqual(reply);
  });

  test('an answer for another machine, or none, is refused', async () => {
    const organisation = await createOrganisation(world.sql, 'Wrong');
    const { request } = await offlineRequest(join(folder, 'right'), 'a', '1');
    await offlineRequest(join(folder, 'wrong'), 'b', '1');
    const reply = await addOfflineAgent(world.sql, organisation, request, Buffer.from(request.publicKey, 'base64'));
    for (const text of [JSON.stringify(reply), '{}', 'no JSON'])
      await expect(takeOfflineReply(join(folder, 'wrong'), text)).rejects.toMatchObject({
        code: 'bridge.enrolment_refused',
      });
    await takeOfflineReply(join(folder, 'right'), JSON.stringify(reply));
    await expect(offlineRequest(join(folder, 'right'), 'a', '1')).rejects.toMatchObject({
      code: 'bridge.enrolment_refused',
    });
  });
});
