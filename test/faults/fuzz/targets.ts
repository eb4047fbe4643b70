import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { AttemptSpool, RECORD_FILE } from '#agent/spool/attempt-spool.ts';
import { Quota } from '#agent/spool/quota.ts';
import { unpackBatch } from '#catalog/jobs/decode.ts';
import { ControlError, readToAgent, readToGateway } from '#protocol/control.ts';
import { Fault } from '#protocol/errors.ts';
import { decodeFrame, encodeFrame, FrameError } from '#protocol/frame.ts';
import { decodeEntries, encodeEntry, PollingError } from '#protocol/polling.ts';
import { attemptRecord, batch } from '#test/unit/spool/batches.ts';
import { memoryDisk } from '../memory-disk.ts';
import type { Random } from '../simulation/random.ts';
import { agentSequence, gatewaySequence } from './machines.ts';
import { someMessage } from './messages.ts';
import { lyingFrame, mutateBytes, mutateJson } from './mutate.ts';

/** One try against one piece of the real code. Throws what nobody expects of it. */
export type Target = (random: Random, seen: Set<string>) => void | Promise<void>;

/** Runs it; errors of the kind that it promises are its good right. */
const only = async (kinds: readonly (new (...args: never[]) => Error)[], act: () => unknown): Promise<void> => {
  try {
    await act();
  } catch (error) {
    if (!kinds.some((kind) => error instanceof kind)) throw error;
  }
};

const frame: Target = async (random) => {
  const raw = Buffer.from('{"t":"test"}\n'.repeat(random.int(1, 100)));
  const sound = { codec: 'zstd', stream: 1, seq: random.int(1, 5), records: 1, rawBytes: raw.length } as const;
  const bytes = random.chance(0.5)
    ? lyingFrame(random)
    : mutateBytes(encodeFrame({ ...sound, payload: zstdCompressSync(raw) }), random);
  await only([FrameError, Fault], async () => {
    const read = decodeFrame(bytes);
    const unpacked = await unpackBatch(read);
    if (unpacked.length !== read.rawBytes) throw new Error(`${unpacked.length} bytes came of ${read.rawBytes}`);
  });
};

const control: Target = async (random, seen) => {
  const to = random.chance(0.5) ? 'agent' : 'gateway';
  const message = someMessage(to, random);
  seen.add(`${to} ${String(message['type'])}`);
  const text = mutateJson(message, random);
  await only([ControlError], () => (to === 'agent' ? readToAgent(text) : readToGateway(text)));
};

const polling: Target = async (random) => {
  const entries = Array.from({ length: random.int(1, 4) }, () =>
    encodeEntry(
      random.chance(0.5)
        ? { kind: 'text', text: JSON.stringify(someMessage('gateway', random)) }
        : random.chance(0.5)
          ? { kind: 'data', bytes: lyingFrame(random).subarray(0, 3_000) }
          : { kind: 'close', code: random.int(0, 65_535), reason: 'x' },
    ),
  );
  const body = Buffer.concat(entries);
  await only([PollingError], () => decodeEntries(random.chance(0.9) ? mutateBytes(body, random) : body));
};

let spooled: Promise<ReadonlyMap<string, Buffer>> | undefined;

/** The files of an attempt with a few batches. */
const someSpool = async (): Promise<ReadonlyMap<string, Buffer>> => {
  const files = new Map<string, Buffer>();
  const quota = new Quota(
    async () => 1e9,
    () => undefined,
  );
  const options = { disk: memoryDisk(files), folder: '/a', quota, segmentBytes: 400 };
  const attempt = await AttemptSpool.create(attemptRecord(), options);
  for (let n = 0; n < 6; n += 1)
    await attempt.append(batch(`batch ${n} ${'x'.repeat(n * 20)}`), new AbortController().signal);
  await attempt.close();
  return files;
};

const spool: Target = async (random) => {
  spooled ??= someSpool();
  const files = new Map(await spooled);
  const path = random.pick([...files.keys()]) ?? join('/a', RECORD_FILE);
  files.set(path, mutateBytes(files.get(path) ?? Buffer.alloc(0), random));
  const quota = new Quota(
    async () => 1e9,
    () => undefined,
  );
  const attempt = await AttemptSpool.open({ disk: memoryDisk(files), folder: '/a', quota, segmentBytes: 400 });
  if (!attempt) return;
  for (let seq = attempt.held().trimmedSeq + 1; seq <= attempt.lastSeq; seq += 1) {
    const text = Buffer.from(decodeFrame(await attempt.readFrame(seq)).payload).toString();
    if (text !== `batch ${seq - 1} ${'x'.repeat((seq - 1) * 20)}`) throw new Error(`batch ${seq} is another: ${text}`);
  }
};

/** What is tried, and how often each is as against the others. */
export const TARGETS: Readonly<Record<string, { readonly run: Target; readonly weight: number }>> = {
  frame: { run: frame, weight: 30 },
  control: { run: control, weight: 25 },
  polling: { run: polling, weight: 10 },
  gatewayMachine: { run: gatewaySequence, weight: 14 },
  agentMachine: { run: agentSequence, weight: 14 },
  spool: { run: spool, weight: 5 },
};
