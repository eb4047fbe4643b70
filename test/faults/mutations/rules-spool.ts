import type { Mutation } from './mutation.ts';

const SPOOL = 'test/unit/spool/spool.test.ts';
const DAMAGED = 'test/unit/spool/damaged.test.ts';
const PARTS = 'test/unit/spool/parts.test.ts';

/** What must be on the agent's disk, and when. */
export const SPOOL_RULES: readonly Mutation[] = [
  {
    name: 'send-before-fsync',
    rule: '§6: a batch is durable before its first byte is sent',
    file: 'agent/spool/attempt-spool.ts',
    from: '        await segment.file.datasync();\n',
    to: '',
    caughtBy: { seeds: 5 },
  },
  {
    name: 'sync-what-a-killed-process-wrote',
    rule: '§9: what an agent names in auth is durable',
    file: 'agent/spool/attempt-spool.ts',
    from: 'what counts as durable from now on has to be.\n    await file.datasync();\n',
    to: 'what counts as durable from now on has to be.\n',
    caughtBy: {
      file: DAMAGED,
      test: 'syncs what a killed process wrote and had not synced, before it counts as durable',
    },
  },
  {
    name: 'seal-before-finish',
    rule: '§5: how an attempt ended is on the disk before it is told',
    file: 'agent/spool/attempt-spool.ts',
    from: '        await this.#writeRecord(sealed);\n',
    to: '',
    caughtBy: { file: SPOOL, test: 'keeps how it ended' },
  },
  {
    name: 'seal-counts-what-is-there',
    rule: '§9: an attempt that lost batches is not sealed any more',
    file: 'agent/spool/attempt-spool.ts',
    from: 'if (record.seal && record.seal.lastSeq !== spool.#lastSeq) {',
    to: 'if (record.seal && record.seal.lastSeq < 0) {',
    caughtBy: { file: SPOOL, test: 'that was sealed but lost batches to the disk is open again' },
  },
  {
    name: 'hole-between-segments',
    rule: '§9: what lies behind a hole does not count',
    file: 'agent/spool/attempt-spool.ts',
    from: '(!first && scan.header.firstSeq !== this.#lastSeq + 1)',
    to: '(!first && scan.header.firstSeq < 0)',
    caughtBy: { file: SPOOL, test: 'with a hole between segments keeps only what is before the hole' },
  },
  {
    name: 'quota-waits',
    rule: '§11: a full spool makes the crawl wait, nothing is dropped',
    file: 'agent/spool/quota.ts',
    from: 'if (this.#usedBytes + bytes <= limit || isTooLarge) {',
    to: 'if (this.#usedBytes >= 0) {',
    caughtBy: { file: SPOOL, test: 'that is used up makes the writer wait until something is trimmed, and says so' },
  },
  {
    name: 'damaged-frame-is-not-sent',
    rule: '§6: what is sent is what was spooled',
    file: 'agent/spool/attempt-spool.ts',
    from: ' && decodeFrame(bytes).crc32 === entry.crc32) return bytes;',
    to: ') return bytes;',
    caughtBy: {
      file: DAMAGED,
      test: 'sends no batch that the disk changed: every gateway would refuse it, in every session',
    },
  },
  {
    name: 'damaged-record',
    rule: '§9: an attempt without a readable record is deleted',
    file: 'agent/spool/attempt-record.ts',
    from: "if (check !== '' && check !== checkOf(text)) return undefined;",
    to: '',
    caughtBy: { file: DAMAGED, test: 'knows no attempt whose record has one bit changed, wherever it is' },
  },
  {
    name: 'parts-in-order',
    rule: '§6: the parts of a record say which is the first and which the last',
    file: 'agent/spool/parts.ts',
    from: "at === 0 ? 'first'",
    to: "at < 0 ? 'first'",
    caughtBy: { file: PARTS, test: 'is cut into parts that nothing comes between' },
  },
  {
    name: 'parts-in-the-simulation',
    rule: '§8: the parts of a record are joined',
    file: 'agent/spool/parts.ts',
    from: '    at += piece.length;\n',
    to: "    at += piece.length + (part === 'middle' ? 1 : 0);\n",
    caughtBy: { seeds: 150 },
  },
];
