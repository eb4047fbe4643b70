import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../../installer/common/bundle.ts';

export interface TestPrograms {
  readonly agent: string;
  readonly catalog: string;
}

/** Nothing waits a minute here: what takes the protocol a minute takes four seconds. */
const TIME_SCALE = 15;
/** A machine that is busy with other tests still has to answer in time. */
const HANDSHAKE_SCALE = 6;
const SEGMENT_BYTES = 96 * 1024;

const source = fileURLToPath(import.meta.resolve('./source-job.ts'));

/**
 * The programs as they are shipped, with fault points, and with three things otherwise: all times of the protocol are a
 * fifteenth, a segment of the spool is small, and records come from a source that knows what it gives.
 */
export const bundleForFaults = async (folder: string): Promise<TestPrograms> => {
  await bundle({
    folder,
    flavour: 'test',
    version: '0.0.0-faults',
    commit: 'faults',
    rewrite: {
      'protocol/constants.ts': (text) =>
        text.includes('export const TIMES =')
          ? `${text}\nfor (const name of Object.keys(TIMES))
              TIMES[name] = Math.ceil(TIMES[name] / (/^(connect|hello|auth)Ms$/.test(name) ? ${HANDSHAKE_SCALE} : ${TIME_SCALE}));\n`
          : text,
      'agent/spool/spool.ts': (text) => text.replace(/(?<=const SEGMENT_BYTES = )[^;]+/, String(SEGMENT_BYTES)),
      'catalog/jobs/backend.ts': (text) => text.replace(/(?<=const SWEEP_MS = )[^;]+/, '500'),
      'agent/commands/crawl-job.ts': () => `export { crawlJob } from ${JSON.stringify(source)};`,
    },
  });
  return { agent: join(folder, 'culvert.mjs'), catalog: join(folder, 'culvert-catalog.mjs') };
};
