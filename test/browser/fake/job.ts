import type { Job } from '#catalog/api/contract.ts';

export const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();

export const job = (id: string, connection: string, fields: Partial<Job> = {}): Job => ({
  id,
  connection,
  kind: 'crawl',
  state: 'published',
  attempt: 1,
  createdAt: ago(7_300),
  startedAt: ago(7_298),
  finishedAt: ago(7_100),
  createdBy: 'ada@example.com',
  progress: null,
  outcomes: { complete: 38, unchanged: 4, partial: 2, denied: 1, failed: 1 },
  options: {},
  tried: false,
  test: null,
  inventory: null,
  error: null,
  waiting: null,
  ...fields,
});
