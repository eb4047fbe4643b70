import { ERROR_KINDS, type ErrorCode } from '#protocol/errors.ts';
import { printable, shortened } from '#protocol/printable.ts';
import type { Problem } from '#protocol/status.ts';
import type { Place } from '../tree.ts';
import { excerptOf, HIDDEN, leavingExcerpt } from './excerpt.ts';

/** At most so many problems of one file are told: a status message has a bound. */
const MAX_PROBLEMS = 20;

/** No message or advice is longer: servers of secrets and values of files may stand in it. */
const MAX_TEXT = 2000;

/** `${?NAME}`, which gives no value where the variable is not set: then the key is there and yet missing. */
const UNSET = /\$\{\?([A-Za-z_][A-Za-z0-9_]{0,100})\}/;

/** A line of a file; with `secret` no value on it may be shown. */
interface Line {
  readonly text: string;
  readonly secret: boolean;
}

/** Collects what is wrong or odd in one file. */
export class Problems {
  readonly #file: string;
  readonly #list: Problem[] = [];
  /** Keys whose value was found to be mistaken: later checks need not say it again. */
  readonly explained = new Set<string>();
  readonly #withheld: { readonly path: string; readonly at: Place }[] = [];
  readonly #lineOf: (place: Place) => Line | undefined;
  #names: ReadonlyMap<string, string> = new Map();

  /** `lineOf` gives the line of a place, or undefined when nothing of it may be shown. */
  constructor(file: string, lineOf: (place: Place) => Line | undefined = () => undefined) {
    this.#file = file;
    this.#lineOf = lineOf;
  }

  /**
   * Values that could not be had, which was reported: what follows from that is not told. A problem follows from it when
   * it is at the place of such a value or names its key.
   */
  withhold(values: Iterable<{ readonly path: string; readonly at: Place }>): void {
    this.#withheld.push(...values);
  }

  error(code: ErrorCode, at: Place | undefined, message: string, advice?: string): void {
    this.#add('error', code, at, message, advice);
  }

  warn(code: ErrorCode, at: Place | undefined, message: string, advice?: string): void {
    this.#add('warning', code, at, message, advice);
  }

  /** From now on keys are called by the names that they have in the file of another product. */
  callKeys(names: ReadonlyMap<string, string>): void {
    this.#names = names;
  }

  #named(text: string): string {
    return text.replaceAll(/\b[a-z_]+(?:\.[a-z_]+)+\b/g, (path) => this.#names.get(path) ?? path);
  }

  #told(text: string): string {
    return shortened(this.#named(printable(shortened(text, MAX_TEXT))), MAX_TEXT);
  }

  get failed(): boolean {
    return this.#list.some((problem) => problem.severity === 'error');
  }

  /** Errors first, then by place. */
  list(): readonly Problem[] {
    return [...this.#list]
      .sort(
        (a, b) =>
          Number(a.severity !== 'error') - Number(b.severity !== 'error') ||
          Number(a.file !== this.#file) - Number(b.file !== this.#file) ||
          (a.line ?? 0) - (b.line ?? 0) ||
          (a.column ?? 0) - (b.column ?? 0),
      )
      .slice(0, MAX_PROBLEMS);
  }

  #follows(at: Place | undefined, message: string): boolean {
    return this.#withheld.some(
      (value) =>
        (value.path.includes('.') && message.includes(value.path)) ||
        (value.at.file === at?.file && value.at.line === at.line && value.at.column === at.column),
    );
  }

  #add(severity: Problem['severity'], code: ErrorCode, at: Place | undefined, said: string, advised?: string): void {
    const message = this.#told(said);
    const advice = advised === undefined ? undefined : this.#told(advised);
    const known = this.#list.some(
      (p) => p.line === at?.line && p.column === at?.column && p.message === message && p.file === (at?.file ?? p.file),
    );
    if (known || this.#follows(at, said)) return;
    const line = at === undefined ? undefined : this.#lineOf(at);
    const unset = code === 'config.missing_key' ? UNSET.exec(line?.text.slice(0, MAX_TEXT) ?? '')?.[1] : undefined;
    const excerpt = line === undefined ? undefined : excerptOf(line.text, line.secret);
    this.#list.push({
      severity,
      code,
      message,
      advice:
        unset === undefined
          ? (advice ?? ERROR_KINDS[code].advice)
          : `The environment variable ${unset} is not set for this process: set it where the agent is started, or write the value in another way.`,
      file: at?.file ?? this.#file,
      ...(at === undefined ? {} : { line: at.line, column: at.column }),
      ...(excerpt === undefined ? {} : { excerpt }),
    });
  }
}

/** A problem as it may leave this machine: of the line where it is its keys alone. */
export const leavingProblem = ({ excerpt, ...problem }: Problem): Problem => {
  const keys = excerpt === undefined ? undefined : leavingExcerpt(excerpt);
  return { ...problem, ...(keys === undefined ? {} : { excerpt: keys }) };
};

/**
 * The text in lines of at most `width` columns, each behind `indent`; a word that is longer is cut. What a terminal would
 * obey is taken out of it.
 */
export const wrap = (text: string, width: number, indent: string): string => {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(/\s+/)) {
    let rest = word;
    const room = Math.max(10, width - indent.length);
    if (line !== '' && line.length + 1 + rest.length > room) {
      lines.push(line);
      line = '';
    }
    while (line === '' && rest.length > room) {
      lines.push(rest.slice(0, room));
      rest = rest.slice(room);
    }
    line = line === '' ? rest : `${line} ${rest}`;
  }
  if (line !== '') lines.push(line);
  return lines.map((part) => `${indent}${part}`).join('\n');
};

/** `text` behind `head`, its further lines below it; blanks in `head` stay. */
export const hanging = (head: string, text: string, width: number): string =>
  head + wrap(text, width, ' '.repeat(head.length)).slice(head.length);

/** Where a problem is, as editors and terminals take it: `file:line:column`, as far as that is known. */
export const problemPlace = ({ file, line, column }: Pick<Problem, 'file' | 'line' | 'column'>): string =>
  [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(':');

/** A problem for a terminal of `width` columns: place, message, the line with a caret below the column, the advice. */
export const formatProblem = (problem: Problem, width = 80): string => {
  const parts = [wrap(`${problemPlace(problem)}: ${problem.severity}: ${problem.message}`, width, '')];
  const { line, column } = problem;
  const excerpt = problem.excerpt === undefined ? undefined : printable(problem.excerpt);
  if (excerpt !== undefined && line !== undefined && column !== undefined) {
    const gutter = `${line} | `;
    const hidden = excerpt.indexOf(HIDDEN);
    let at = Math.min(column - 1, excerpt.length);
    if (hidden >= 0 && at > hidden) at = hidden;
    const room = Math.max(20, width - gutter.length);
    // A window of the line around the column; tabs count as one column.
    const from = at < room - 2 ? 0 : at - Math.floor(room / 2);
    const shown = excerpt.slice(from, from + room);
    parts.push(`${gutter}${shown}`, `${' '.repeat(gutter.length - 2)}| ${' '.repeat(at - from)}^`);
  }
  parts.push(wrap(problem.advice, width, '  '));
  return parts.join('\n');
};
