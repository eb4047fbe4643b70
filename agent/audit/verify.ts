import { type AuditEntry, CHAIN_START, openEntry } from './entry.ts';
import { auditFile, auditFiles, readHead, readLines } from './files.ts';

export interface AuditFlaw {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly what: string;
}

export interface AuditVerdict {
  readonly entries: number;
  readonly files: number;
  /** Above 1: older ones were deleted as the log is only so large. 0: there are none. */
  readonly first: number;
  readonly last: number;
  readonly flaws: readonly AuditFlaw[];
}

/** One line of the log, and what is wrong with it. */
export interface AuditLine {
  readonly file: string;
  readonly line: number;
  /** Undefined when the line was changed, or is none. */
  readonly entry: AuditEntry | undefined;
  readonly flaw: string | undefined;
}

/**
 * Reads the whole log in its order and checks its chain: a line that was changed, taken out, put in or moved is flawed, or
 * the one behind it. The last lines can only be missed where {@link HEAD_FILE} was left as it is.
 */
export async function* readAudit(folder: string): AsyncGenerator<AuditLine, void, void> {
  const numbers = await auditFiles(folder);
  let before: { readonly n: number; readonly hash: string } | undefined;
  let lastFile = auditFile(1);
  let lines: readonly string[] = [];
  for (const [index, number] of numbers.entries()) {
    const file = auditFile(number);
    const previous = numbers[index - 1];
    let flaw = previous !== undefined && number !== previous + 1 ? 'the file before it is missing' : undefined;
    let torn: string;
    ({ lines, torn } = await readLines(folder, number));
    for (const [at, text] of lines.entries()) {
      const read = openEntry(text);
      if (read === undefined) {
        yield { file, line: at + 1, entry: undefined, flaw: 'the line was changed' };
        continue;
      }
      flaw ??= broken(read.entry, before, number);
      yield { file, line: at + 1, entry: read.entry, flaw };
      flaw = undefined;
      before = { n: read.entry.n, hash: read.hash };
    }
    lastFile = file;
    // What is being written at the moment, or what a process that was killed left: cut when the agent starts.
    if (torn !== '' && index < numbers.length - 1)
      yield { file, line: lines.length + 1, entry: undefined, flaw: 'the line was cut' };
  }
  const head = await readHead(folder);
  if (head !== undefined && head.n > (before?.n ?? 0))
    yield {
      file: lastFile,
      line: lines.length + 1,
      entry: undefined,
      flaw: `entries ${(before?.n ?? 0) + 1} to ${head.n} are missing at the end`,
    };
}

const broken = (
  entry: AuditEntry,
  before: { readonly n: number; readonly hash: string } | undefined,
  file: number,
): string | undefined => {
  if (entry.event === 'missing') return `entries ${entry.from} to ${entry.to} were missing when the agent started`;
  // The oldest files go when the log is full: what their last line was nobody knows any more.
  if (before === undefined)
    return file === 1 && (entry.n !== 1 || entry.prev !== CHAIN_START) ? 'it does not begin the chain' : undefined;
  if (entry.n !== before.n + 1) return `entry ${entry.n} follows ${before.n}`;
  return entry.prev === before.hash ? undefined : 'it does not follow from the line before';
};

/** Checks the whole chain. */
export const verifyAudit = async (folder: string): Promise<AuditVerdict> => {
  const flaws: AuditFlaw[] = [];
  const files = new Set<string>();
  let [entries, first, last] = [0, 0, 0];
  for await (const { file, line, entry, flaw } of readAudit(folder)) {
    files.add(file);
    if (flaw !== undefined) flaws.push({ file, line, what: flaw });
    if (entry === undefined) continue;
    entries += 1;
    first ||= entry.n;
    last = entry.n;
  }
  return { entries, files: files.size, first, last, flaws };
};
