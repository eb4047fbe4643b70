import { ERROR_KINDS, type ErrorCode } from '#protocol/errors.ts';
import type { FaultRow, Group, HealthyRow } from './row.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');
const line = (...cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

const faultTable = ({ title, rows }: Group<FaultRow>): string =>
  [
    `## ${title}`,
    '',
    line('What is wrong', 'How it is made', 'Check that fails', 'Code'),
    '|---|---|---|---|',
    ...rows.map(({ name, made, check, code }) => line(name, made, `\`${check}\``, `\`${code}\``)),
  ].join('\n');

const remarks = ({ rows }: Group<HealthyRow>): readonly HealthyRow[] =>
  rows.filter(({ notes }) => notes !== undefined && notes.length > 0);

const codesOf = (faults: readonly Group<FaultRow>[], healthy: Group<HealthyRow>): readonly ErrorCode[] =>
  [
    ...new Set([
      ...faults.flatMap(({ rows }) => rows.map(({ code }) => code)),
      ...remarks(healthy).flatMap(({ notes }) => notes ?? []),
    ]),
  ].sort();

/** The page of the table: for people who meet a code and want to know what leads to it. */
export const page = (faults: readonly Group<FaultRow>[], healthy: Group<HealthyRow>): string => {
  const count = faults.reduce((sum, { rows }) => sum + rows.length, 0);
  const codes = codesOf(faults, healthy);
  return `${[
    '# What the doctor says',
    '',
    `${count} faults, each made for real in the tests, and the verdict of \`culvert doctor\` and of *Test connection*. In every`,
    'one of them exactly the check named fails, with that code; what stands on it is skipped, what comes before it passes.',
    'The last table says what to do; the doctor itself often says it more closely, with the names of the connection at hand.',
    '',
    'This page is made from the rows of the tests, which fail when it is not; to write it anew:',
    '`npx vitest run --project network test/network/faults -t README.md -u`.',
    '',
    ...faults.flatMap((group) => [faultTable(group), '']),
    '## Remarks',
    '',
    'Everything works, and a check that passes says that something still deserves a look.',
    '',
    line('What is odd', 'How it is made', 'Code'),
    '|---|---|---|',
    ...remarks(healthy).map(({ name, made, notes = [] }) =>
      line(name, made, notes.map((code) => `\`${code}\``).join(', ')),
    ),
    '',
    '## What to do',
    '',
    line('Code', 'What to do', 'Does trying again help?'),
    '|---|---|---|',
    ...codes.map((code) =>
      line(`\`${code}\``, ERROR_KINDS[code].advice, ERROR_KINDS[code].retryable ? 'it may' : 'no'),
    ),
  ].join('\n')}\n`;
};
