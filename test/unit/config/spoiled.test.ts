import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { formatProblem } from '#config/connection/problem.ts';
import { planImport } from '#config/import/import.ts';
import { clearSecrets } from '#config/lint/clear-secrets.ts';
import { connectionText } from '#config/writing/connection-file.ts';
import { byPath, ingestion, user } from './openmetadata.ts';
import { head } from './sample.ts';

const openMetadata = ingestion(
  ['hostPort: wss://q:4747', ...byPath, '  clientKeyCertificateData: canary-key', ...user, 'validateHostName: true'],
  ['chartFilterPattern:', '  includes: [a]'],
);
const zeenea = `${head}connection.auth { key = "X-Qlik-User", value = "CORP\\\\canary" }
proxy { hostname = p, port = 1, password = canary-password }
filter = """name = 'x'"""
`;

/** One slip of a hand on one line. */
const SLIPS: Readonly<Record<string, (line: string, mark: string, at: number) => string>> = {
  repeat: (line) => `${line}\n${line}`,
  indent: (line) => `  ${line}`,
  dedent: (line) => line.trimStart(),
  empty: (line) => line.replace(/([:=]).*/, '$1'),
  quote: (line) => line.replace(/([:=])\s*(.*)/, '$1 "$2"'),
  comment: (line) => `# ${line}`,
  mark: (line, mark, at) => `${line.slice(0, at % (line.length + 1))}${mark}${line.slice(at % (line.length + 1))}`,
};
const slip = fc.record({
  line: fc.nat(60),
  kind: fc.constantFrom(...Object.keys(SLIPS)),
  mark: fc.constantFrom(...'"{}[]:#\'\t$*&|\\\u0000\n'),
  at: fc.nat(200),
});
const source = fc.constantFrom(
  [openMetadata, 'om.yaml'] as const,
  [openMetadata, 'om.json'] as const,
  [openMetadata, 'om.conf'] as const,
  [zeenea, 'zeenea.conf'] as const,
  [zeenea, 'zeenea.yaml'] as const,
);

test('a file with any slips is read, linted and imported without a failure, and no message shows a secret', () => {
  fc.assert(
    fc.property(source, fc.array(slip, { maxLength: 6 }), ([whole, file], slips) => {
      const lines = whole.split('\n');
      for (const { line, kind, mark, at } of slips)
        lines[line % lines.length] = SLIPS[kind]?.(lines[line % lines.length] ?? '', mark, at) ?? '';
      const text = lines.join('\n');
      const shown = parseConnection(text, file, { folder: '/nowhere', env: {} }).problems;
      clearSecrets(text, file);
      const context = { file, folder: '/nowhere', target: '/elsewhere', stem: 'new' };
      const plan = planImport(Buffer.from(text), context, {});
      if (plan.type === 'plan') connectionText(plan.items, 'hocon');
      const told = [...shown, ...(plan.type === 'plan' ? [] : plan.problems)].map((problem) => formatProblem(problem));
      expect(told.join('\n')).not.toContain('canary');
    }),
    { numRuns: 500 },
  );
});
