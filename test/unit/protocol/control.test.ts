import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLOSE, LIMITS } from '#protocol/constants.ts';
import { ControlError, controlBytes, readToAgent, readToGateway } from '#protocol/control.ts';
import type { AgentStatus, ConnectionState } from '#protocol/status.ts';
import { fitStatus } from '#protocol/status-size.ts';
import { someStatus } from '../bridge/loopback.ts';

const codeOf = (read: () => unknown): number | undefined => {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof ControlError) return error.closeCode;
    throw error;
  }
};

describe('a control message', () => {
  test('never makes the reader throw anything but a ControlError', () => {
    const objects = fc.object({ maxDepth: 2 }).map((value) => JSON.stringify(value));
    const typed = fc
      .record({ type: fc.constantFrom('ack', 'welcome', 'auth', 'job.offer', 'heartbeat'), stream: fc.anything() })
      .map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(fc.oneof(fc.string(), objects, typed), (text) => {
        codeOf(() => readToAgent(text));
        codeOf(() => readToGateway(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('keeps fields that this release does not know', () => {
    const ack = { type: 'ack', stream: 1, upto: 2, credit: 3, news: 'later' };
    expect(readToAgent(JSON.stringify(ack))).toEqual(ack);
  });

  test('is only for the side that it is meant for', () => {
    const ack = JSON.stringify({ type: 'ack', stream: 1, upto: 2, credit: 3 });
    expect(codeOf(() => readToGateway(ack))).toBe(CLOSE.unknownMessage);
  });

  test('is measured in bytes, not in characters', () => {
    const text = JSON.stringify({ type: 'news', opt: true, pad: '€'.repeat(LIMITS.controlBytes / 2) });
    expect(text.length).toBeLessThan(LIMITS.controlBytes);
    expect(codeOf(() => readToAgent(text))).toBe(CLOSE.badMessage);
  });
});

describe('a status', () => {
  const connection = (n: number, problems: number): ConnectionState => ({
    file: `file-${n}.conf`,
    code: `code-${n}`,
    name: null,
    state: 'error',
    inForce: null,
    loadedAt: null,
    url: null,
    authentication: null,
    environment: null,
    description: 'd'.repeat(500),
    accessNotes: null,
    bypassCertificateValidation: false,
    problems: Array.from({ length: problems }, (_, line) => ({
      severity: 'error' as const,
      code: 'config.syntax',
      message: 'something is wrong here',
      advice: 'mend it',
      file: `file-${n}.conf`,
      line: line + 1,
    })),
  });
  const size = (status: AgentStatus): number => controlBytes(JSON.stringify(status));
  const status = (connections: number, problems: number): AgentStatus =>
    someStatus({ connections: Array.from({ length: connections }, (_, n) => connection(n, problems)) });

  test('has no text beyond what a gateway takes, however small it is', () => {
    const long = { ...connection(1, 1), description: 'd'.repeat(LIMITS.textChars + 100) };
    const fitted = fitStatus(someStatus({ connections: [long], hostname: 'h'.repeat(9_000) }));
    expect(fitted.connections[0]?.description?.length).toBe(LIMITS.textChars);
    const { status } = readToGateway(JSON.stringify({ type: 'status', status: fitted })) as { status: AgentStatus };
    expect(status.hostname).toHaveLength(LIMITS.textChars);
  });

  test('that fits is left alone', () => {
    const small = status(3, 3);
    expect(fitStatus(small)).toBe(small);
  });

  test('that is too large tells of fewer problems of each file, the first ones', () => {
    const fitted = fitStatus(status(10, 100));
    expect(size(fitted)).toBeLessThanOrEqual(LIMITS.controlBytes / 2);
    expect(fitted.connections).toHaveLength(10);
    expect(fitted.connections[9]?.problems[0]?.line).toBe(1);
    expect(fitted.connections[9]?.problems.length).toBeGreaterThan(5);
  });

  test('with texts that go on and on keeps all connections, and the beginning of each text', () => {
    const long = { ...connection(0, 1), name: 'n'.repeat(300_000), url: `https://${'u'.repeat(300_000)}` };
    const [problem] = connection(0, 1).problems;
    if (problem === undefined) throw new Error('there is a problem');
    const texts = {
      message: `told: ${'m'.repeat(300_000)}`,
      advice: 'a'.repeat(300_000),
      excerpt: 'e'.repeat(300_000),
    };
    const all = someStatus({
      connections: [
        { ...long, problems: [{ ...problem, ...texts }] },
        ...Array.from({ length: 30 }, (_, n) => connection(n + 1, 2)),
      ],
      faults: [{ code: 'internal', message: 'x'.repeat(300_000), retryable: false, advice: '' }],
    });
    const fitted = fitStatus(all);
    expect(size(fitted)).toBeLessThanOrEqual(LIMITS.controlBytes / 2);
    expect(fitted.connections).toHaveLength(31);
    expect(fitted.omittedConnections).toBeUndefined();
    expect(fitted.connections[0]?.problems[0]?.message).toMatch(/^told: m+…$/);
    expect(fitted.connections[30]?.problems).toHaveLength(2);
  });

  test('of very many files tells of as many as fit', () => {
    const fitted = fitStatus(status(2_000, 2));
    expect(size(fitted)).toBeLessThanOrEqual(LIMITS.controlBytes / 2);
    expect(fitted.connections.length).toBeGreaterThan(20);
    expect(fitted.omittedConnections).toBe(2_000 - fitted.connections.length);
  });
});
