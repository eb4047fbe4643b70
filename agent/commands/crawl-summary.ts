import type { RecordLines } from '#agent/bridge/record-gate.ts';
import type { CrawlSummary } from '#agent/crawl/progress.ts';
import { wrap } from '#config/connection/problem.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import { printable, shortened } from '#protocol/printable.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { LineageSummary } from './lineage-summary.ts';
import { sizeText } from './size-text.ts';

const WIDTH = 80;
/** More of one kind nobody reads; the records have the rest. */
const MOST_LISTED = 10;
const MOST_KEPT = 10_000;
const NAME_CHARACTERS = 60;

interface Lack {
  readonly what: string;
  readonly code: string;
  readonly message: string;
  readonly advice: string;
  scopes: number;
}

interface SizedApp {
  readonly name: string;
  readonly bytes: number;
}

/** Passes records on, and remembers of them what a person wants to know of a crawl. */
export class SummarisedLines implements RecordLines {
  readonly maxRecordBytes?: number;
  readonly #out: RecordLines;
  readonly #names = new Map<string, string>();
  readonly #lacks = new Map<string, Lack>();
  readonly #unread: { readonly name: string; readonly outcome: string; readonly error: ErrorInfo | undefined }[] = [];
  #unreadCount = 0;
  #largest: SizedApp[] = [];
  #pictures = 0;
  readonly #lineage = new LineageSummary();

  constructor(out: RecordLines) {
    this.#out = out;
    if (out.maxRecordBytes !== undefined) this.maxRecordBytes = out.maxRecordBytes;
  }

  write(record: StreamRecord, line: string): Promise<void> {
    this.#look(record);
    return this.#out.write(record, line);
  }

  #look(record: StreamRecord): void {
    if (record.t === 'scope') {
      this.#names.set(record.scope, record.name);
      this.#lineage.forget(record.scope);
    } else if (record.t === 'picture') this.#pictures += 1;
    else if (record.t === 'asset' && record.kind === 'app') {
      const { sizeBytes, lineage } = record.attributes ?? {};
      this.#lineage.add(record.scope, lineage);
      if (typeof sizeBytes === 'number') this.#largest.push({ name: record.name, bytes: sizeBytes });
      if (this.#largest.length > 4 * MOST_LISTED) this.#trim();
    } else if (record.t === 'outcome') {
      const name = this.#names.get(record.scope) ?? record.scope;
      this.#names.delete(record.scope);
      for (const { what, code, message, advice } of record.missing ?? []) {
        // Of many sheets that lack the same, one line.
        const key = `${what.split(' ', 2).join(' ')} ${code}`;
        const known = this.#lacks.get(key);
        if (known !== undefined) known.scopes += 1;
        else if (this.#lacks.size < MOST_KEPT) this.#lacks.set(key, { what, code, message, advice, scopes: 1 });
      }
      if (record.outcome === 'denied' || record.outcome === 'failed' || record.outcome === 'gone') {
        this.#unreadCount += 1;
        if (this.#unread.length < MOST_LISTED)
          this.#unread.push({ name, outcome: record.outcome, error: record.error });
      }
    }
  }

  #trim(): void {
    this.#largest = this.#largest.sort((a, b) => b.bytes - a.bytes).slice(0, MOST_LISTED);
  }

  /** What the crawl brought, what it lacks and what would give it, in words for a person. */
  report(title: string, summary: CrawlSummary): string {
    this.#trim();
    const seconds = (summary.durationMs / 1000).toFixed(1);
    const parts = [
      title,
      `${summary.records} records of ${summary.appsTotal} apps in ${seconds} s, ${this.#pictures} pictures.`,
      counts('Scopes by outcome', summary.outcomes),
      counts('Assets by kind', summary.assets),
      counts('Relations by kind', summary.edges),
      this.#lineage.text(),
      this.#lackText(),
      this.#unreadText(),
      this.#largest.length === 0
        ? ''
        : [
            'Largest apps',
            ...this.#largest.map(({ name, bytes }) => `  ${sizeText(bytes).padStart(10)}  ${called(name)}`),
          ].join('\n'),
    ];
    return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
  }

  #lackText(): string {
    const lacks = [...this.#lacks.values()].sort((a, b) => b.scopes - a.scopes);
    if (lacks.length === 0) return 'Nothing is missing in what was read.';
    const shown = lacks.slice(0, MOST_LISTED).map(({ what, code, message, advice, scopes }) => {
      const where = scopes === 1 ? '' : ` (in ${scopes} places)`;
      return `${paragraph(`- ${called(what)}${where}: ${message} [${code}]`)}\n${paragraph(`What would give it: ${advice}`)}`;
    });
    const more = lacks.length > shown.length ? [`  and ${lacks.length - shown.length} more`] : [];
    return ['What is missing', ...shown, ...more].join('\n');
  }

  #unreadText(): string {
    if (this.#unreadCount === 0) return '';
    const shown = this.#unread.map(({ name, outcome, error }) =>
      paragraph(`- ${called(name)}: ${outcome}${error === undefined ? '' : `, ${error.message} [${error.code}]`}`),
    );
    const more = this.#unreadCount > shown.length ? [`  and ${this.#unreadCount - shown.length} more`] : [];
    return ['Apps that were not read', ...shown, ...more].join('\n');
  }
}

const called = (name: string): string => printable(shortened(name, NAME_CHARACTERS));

const paragraph = (text: string): string => wrap(printable(shortened(text, 600)), WIDTH, '  ');

const counts = (title: string, found: Readonly<Partial<Record<string, number>>>): string => {
  const rows = Object.entries(found);
  if (rows.length === 0) return '';
  return [title, ...rows.map(([name, count]) => `  ${name.padEnd(22)}${String(count).padStart(9)}`)].join('\n');
};
