// Appends batches one after another until it is killed: `node appender.ts <folder> <fileBytes>`. Prints the number of each
// batch once it is on the disk.
import { AuditLog } from '#agent/audit/audit-log.ts';

const [folder = '', fileBytes = ''] = process.argv.slice(2);
const log = await AuditLog.open(folder, { fileBytes: Number(fileBytes), files: 1_000 });
for (let seq = log.lastBatch('job', 1) + 1; ; seq += 1) {
  await log.append([
    {
      event: 'batch',
      acknowledged: true,
      connection: 'prod',
      kind: 'crawl',
      job: 'job',
      attempt: 1,
      seq,
      scopes: ['prod/a'],
      records: seq,
      bytes: 10,
    },
  ]);
  process.stdout.write(`${seq}\n`);
}
