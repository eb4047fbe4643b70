import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * A program for the child that does to some scripts what an interpreter must never do, and answers the others with what it
 * asked for: a table named as the text of the include `x.qvs`.
 */
export const wildChild = (folder: string): URL => {
  const path = join(folder, 'wild.mjs');
  const empty =
    '{ tables: [], stores: [], datasets: [], diagnostics: [], statements: { total: 0, understood: 0, opaque: 0 }, variables: new Map(), sectionAccess: false, wanted: [], cut: undefined }';
  writeFileSync(
    path,
    `const known = new Map();
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => undefined);
process.on('message', (request) => {
  if (request.type === 'script') {
    const { text } = request.question;
    if (text === 'exit') process.exit(3);
    if (text === 'memory') for (let all = []; ; ) all.push(Array.from({ length: 1e5 }, (_, n) => 'x' + n));
    if (text === 'forever') for (;;);
    if (text === 'includes') return process.send({ type: 'ask', id: request.id, lookups: Array.from({ length: 100 }, (_, n) => ({ type: 'include', path: 'x' + n })) });
    if (text === 'include') return process.send({ type: 'ask', id: request.id, lookups: [{ type: 'include', path: 'x.qvs' }] });
  }
  const lineage = ${empty};
  const told = request.type === 'told' ? request.found[0][1].text : JSON.stringify([process.argv.slice(2), process.env]);
  lineage.diagnostics.push({ severity: 'info', code: 'test', message: told, place: { file: '', line: 1, endLine: 1, column: 1 } });
  process.send({ type: 'answer', id: request.id, answer: { lineage, effort: { interpretMs: 0, sqlMs: 0, rounds: 1, peakRssBytes: 1 } } });
});
process.send({ type: 'ready' });
`,
  );
  return pathToFileURL(path);
};
