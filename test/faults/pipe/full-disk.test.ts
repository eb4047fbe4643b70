import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lookAt } from '#test/catalog/pipe/look-at.ts';
import { headerFile, Setting } from '#test/catalog/pipe/setting.ts';
import { canMount, mountSmallDisk } from './small-disk.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-full-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.skipIf(!canMount)(
  'a full disk pauses the crawl, says so everywhere, is no reason for a restart, and nothing is lost once there is room (needs the right to mount a small file system)',
  { timeout: 180_000 },
  async () => {
    const state = join(folder, 'state');
    await mkdir(state);
    // 256 KiB of it are the reserve of the audit log.
    const unmount = mountSmallDisk(state, '900k');
    try {
      await using setting = await Setting.make(state);
      const { api, agent } = setting.pipe;
      const { get, culvert, metric } = lookAt(setting.folder, state);
      const site = await setting.site(9, 40);
      await setting.connect('full', headerFile(site, { code: 'full' }));
      // Whatever is left but a little: the spool meets the end of the disk at once.
      await writeFile(join(state, 'ballast'), Buffer.alloc(440 * 1024));
      type Agents = { items: { faults: { code: string }[] }[] };
      const faults = async () => (await api.get<Agents>('/api/v1/agents')).items[0]?.faults ?? [];
      // As long as no batch can be stored none is acknowledged, and what is full stays full.
      const id = await setting.database.sql.begin(async (tx) => {
        await tx`lock table staged_batch in exclusive mode`;
        const job = await api.startCrawl('full');
        await expect.poll(() => metric('spool_waiting')).toBe('1');
        await expect.poll(faults).toMatchObject([{ code: 'spool.full', retryable: true }]);
        expect(agent.tail()).toContain('spool.full');
        expect((await get('/livez')).status).toBe(200);
        expect((await get('/readyz')).status).toBe(200);
        const { code, stdout } = await culvert('status');
        expect(code, stdout).toBe(1);
        expect(stdout).toContain('running, not well');
        await rm(join(state, 'ballast'));
        return job.id;
      });
      expect((await setting.pipe.follow(id)).state).toBe('published');
      const truth = await site.ask<{ assets: Record<string, number> }>('/truth');
      expect((await api.counts('full')).assets).toMatchObject(
        Object.fromEntries(Object.entries(truth.assets).filter(([, n]) => n > 0)),
      );
      // Told until it stayed away for a while.
      await expect.poll(faults, { timeout: 60_000 }).toEqual([]);
    } finally {
      unmount();
    }
  },
);
