import type { Diagnosis } from '#agent/doctor/diagnose.ts';
import { verdictOf } from '#agent/doctor/run.ts';
import { mending, type SettingsBlock } from '#agent/doctor/settings.ts';
import { hanging as hangingText } from '#config/connection/problem.ts';
import type { CheckRecord, CheckStatus } from '#protocol/checks.ts';
import { printable, shortened } from '#protocol/printable.ts';

export const WIDTH = 80;
const NAME = 16;
const MAX_DETAILS = 12;
/** Details are left out for this, two at the least stay. */
const MAX_LINES = 30;
const MIN_DETAILS = 2;

/** Colours only for a person who wants them: a terminal, and no NO_COLOR (https://no-color.org). */
export const colours = (stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean =>
  stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';

type Paint = (status: CheckStatus, text: string) => string;

const CODES: Readonly<Record<CheckStatus, string>> = { pass: '32', fail: '1;31', skip: '90' };

/** Paints the word of a status in its colour, or leaves it as it is. */
export const painter = (on: boolean): Paint =>
  on ? (status, text) => `\u001b[${CODES[status]}m${text}\u001b[0m` : (_, text) => text;

/** A SHA-256 fingerprint, in two halves of 16 bytes. */
const FINGERPRINT = /\b((?:[\dA-F]{2}:){16})((?:[\dA-F]{2}:){15}[\dA-F]{2})\b/g;

/** Fingerprints are compared by eye: each half stands on a line of its own, one below the other. */
const hanging = (head: string, text: string): string => {
  const [first = '', ...rest] = printable(text).replace(FINGERPRINT, '\n$1\n$2\n').split('\n');
  const indent = ' '.repeat(head.length);
  return [
    hangingText(head, first.trim(), WIDTH),
    ...rest
      .map((part) => part.trim())
      .filter((part) => !/^[.,;)]?$/.test(part))
      .map((part) => hangingText(indent, part, WIDTH)),
  ].join('\n');
};

const label = (status: CheckStatus): string => status.toUpperCase().padEnd(4);

const line = (record: CheckRecord, paint: Paint): string => {
  const head = `  ${label(record.status)}  ${record.check.padEnd(NAME)}`;
  return hanging(head, record.seen).replace(label(record.status), paint(record.status, label(record.status)));
};

const notes = (record: CheckRecord, most: number): readonly string[] => {
  const indent = ' '.repeat(8 + NAME);
  const details = record.status === 'pass' && record.code === undefined ? [] : record.details;
  const shown = details.slice(0, details.length > most ? most - 1 : most);
  const more = details.length - shown.length;
  return [
    ...(record.status === 'pass' && record.advice !== undefined && record.advice !== ''
      ? [hanging(`${indent}note: `, record.advice)]
      : []),
    ...shown.map((detail) => hanging(`${indent}- `, detail)),
    ...(more > 0 ? [`${indent}- and ${more} more (culvert doctor --json)`] : []),
  ];
};

/** Names of checks that were skipped, with the reason they share. */
const folded = (records: readonly CheckRecord[], paint: Paint): readonly string[] => {
  const byReason = new Map<string, string[]>();
  for (const { seen, check } of records) byReason.set(seen, [...(byReason.get(seen) ?? []), check]);
  return [...byReason].map(([reason, checks]) => {
    const text = hanging(`  ${label('skip')}  `, `${checks.join(', ')}: ${reason}`);
    return text.replace(label('skip'), paint('skip', label('skip')));
  });
};

/**
 * One screen for one connection, or for the link: the cause first, then each check. `below`: so many lines follow it,
 * for which details make room, too.
 */
export const screen = (title: string, records: readonly CheckRecord[], paint: Paint, below = 0): string => {
  const broken = verdictOf(records) !== undefined;
  // What passed is the least that a person who mends wants to read.
  const brief = records.map((record) =>
    broken && isPlain(record) ? { ...record, seen: shortened(record.seen, WIDTH - 8 - NAME) } : record,
  );
  let text = '';
  for (const shown of [records, brief, ...(broken ? [gathered(records)] : [])])
    for (let most = MAX_DETAILS; most >= MIN_DETAILS; most--) {
      text = screenWith(title, shown, paint, most);
      if (text.split('\n').length - 1 + below <= MAX_LINES) return text;
    }
  return text;
};

/** It passed, and nothing more is to be said of it. */
const isPlain = ({ status, code }: CheckRecord): boolean => status === 'pass' && code === undefined;

/** Checks in a row that passed as one, which only names them. */
const gathered = (records: readonly CheckRecord[]): readonly CheckRecord[] => {
  const rows: CheckRecord[][] = [];
  for (const record of records) {
    const last = rows.at(-1);
    if (last?.[0] !== undefined && isPlain(last[0]) && isPlain(record)) last.push(record);
    else rows.push([record]);
  }
  return rows.flatMap(([first, ...more]) =>
    first === undefined || more.length === 0
      ? (first ?? [])
      : {
          ...first,
          check: `${more.length + 1} checks`,
          seen: `${[first, ...more].map(({ check }) => check).join(', ')}.`,
        },
  );
};

const screenWith = (title: string, records: readonly CheckRecord[], paint: Paint, most: number): string => {
  const verdict = verdictOf(records);
  const passed = records.filter(({ status }) => status === 'pass').length;
  const head =
    verdict === undefined
      ? [hanging('PASS  ', `${title}: all ${passed} checks passed`).replace('PASS', paint('pass', 'PASS'))]
      : [
          hanging('FAIL  ', title).replace('FAIL', paint('fail', 'FAIL')),
          '',
          hanging('  Cause:  ', capital(verdict.seen)),
          hanging('  To do:  ', verdict.advice ?? ''),
        ];
  const lines: string[] = [];
  let skipped: CheckRecord[] = [];
  const flush = (): void => {
    lines.push(...folded(skipped, paint));
    skipped = [];
  };
  for (const record of records) {
    if (record.status === 'skip') {
      skipped.push(record);
      continue;
    }
    flush();
    if (record === verdict)
      lines.push(
        hanging(`  ${label('fail')}  ${record.check.padEnd(NAME)}`, `${record.code ?? ''} (see above)`).replace(
          label('fail'),
          paint('fail', label('fail')),
        ),
        ...notes(record, most),
      );
    else {
      lines.push(line(record, paint));
      if (record.status === 'fail' && record.advice !== undefined)
        lines.push(hanging(`${' '.repeat(8 + NAME)}to do: `, record.advice));
      lines.push(...notes(record, most));
    }
  }
  flush();
  return `${[...head, '', ...lines].join('\n')}\n`;
};

const capital = (text: string): string =>
  /^(?!https?\b|socks)[a-z]+ /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;

/** The settings of the QMC, to paste from: a value is on one line, however long. */
export const settingsText = (blocks: readonly SettingsBlock[]): string =>
  blocks
    .map(({ title, fields }) => [printable(title), ...fields.map(fieldText)].join('\n'))
    .join('\n\n')
    .concat('\n');

const fieldText = ([name, given]: SettingsBlock['fields'][number]): string => {
  const value = printable(given);
  const head = `  ${name.padEnd(32)} `;
  return head.length + value.length <= WIDTH ? `${head}${value}` : `  ${name}\n      ${value}`;
};

/**
 * What mends the verdict: the fields that it is about, and where the rest of the form is; empty when no form mends it.
 * `name`: how the connection is named to the doctor.
 */
export const neededText = ({ records, settings }: Pick<Diagnosis, 'records' | 'settings'>, name: string): string => {
  const verdict = verdictOf(records);
  const blocks = verdict === undefined ? [] : settings.flatMap((block) => mending(block, verdict) ?? []);
  return blocks.length === 0
    ? ''
    : `${settingsText(blocks)}${hanging('  ', `culvert doctor ${name} --rules prints the rest`)}\n`;
};
