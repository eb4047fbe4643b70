import type {
  DatasetUse,
  Diagnostic,
  Limits,
  Place,
  ScriptLineage,
  Source,
  StatementCount,
  Surroundings,
  Wanted,
} from '../result.ts';
import type { AnalyseSql } from '../sql/analysis.ts';
import type { InlineContents } from './known-tables.ts';
import { type Circumstances, sourceKey } from './origins.ts';
import type { State } from './state.ts';
import type { Row, Table } from './tables.ts';
import { holesIn, withoutMarks } from './values.ts';

const MOST_DIAGNOSTICS = 2_000;
const MOST_WANTED = 5_000;

/** A STORE as it was met. */
export interface StoreEvent extends Row {
  readonly target: string;
  readonly directory: string | undefined;
  readonly format: string;
  readonly table: string;
  readonly conditional: boolean;
  readonly place: Place;
}

/** A limit was reached: the work ends with what there is. */
export class Cut extends Error {}

/** What one interpretation has at hand and gathers, whichever way the script goes. */
export class Session {
  readonly surroundings: Surroundings;
  readonly limits: Limits;
  readonly analyseSql: AnalyseSql;
  readonly stores: StoreEvent[] = [];
  /** Tables as they were when they were dropped or the script may have ended. */
  readonly past: Table[] = [];
  /** The state at the last EXIT SCRIPT that was met: how the script ends when no way leads beyond. */
  ended: State | undefined;
  /** What stands in the inline tables of the script. */
  readonly contents: InlineContents = new WeakMap();
  /** Which driver a CONNECT of the script itself names, by the name of the connection. */
  readonly providers = new Map<string, string>();
  sectionAccess = false;
  cut: string | undefined;
  readonly #diagnostics = new Map<string, Diagnostic>();
  readonly #datasets = new Map<string, DatasetUse>();
  readonly #wanted = new Map<string, Wanted>();
  readonly #statements = new Map<string, 'understood' | 'opaque'>();
  #versions = new Map<string, number>();
  readonly #until: number;
  readonly #now: () => number;
  #steps = 0;
  #fields = 0;
  #choices = 0;
  #tables = 0;

  constructor(surroundings: Surroundings, limits: Limits, analyseSql: AnalyseSql, now: () => number) {
    this.surroundings = surroundings;
    this.limits = limits;
    this.analyseSql = analyseSql;
    this.#now = now;
    this.#until = now() + limits.timeMs;
  }

  /** EXIT SCRIPT was met. */
  endsWith(state: State): void {
    this.past.push(...state.tables.values());
    this.ended = state;
  }

  /** Called for every statement that is run. Throws {@link Cut}. */
  step(): void {
    this.#steps += 1;
    if (this.#steps > this.limits.steps) throw new Cut('steps');
    // One statement may take as long as hundreds of others.
    if (this.isLate) throw new Cut('time');
  }

  /** The time is over. */
  get isLate(): boolean {
    return this.#now() > this.#until;
  }

  /** Called for every row of fields that is made. Throws {@link Cut}. */
  made(fields: number): void {
    this.#fields += fields;
    if (this.#fields > this.limits.fields) throw new Cut('fields');
  }

  choice(): number {
    this.#choices += 1;
    return this.#choices;
  }

  tableId(): number {
    this.#tables += 1;
    return this.#tables;
  }

  /** How often a variable of this name was set, this time included. */
  version(name: string): number {
    const version = (this.#versions.get(name) ?? 0) + 1;
    this.#versions.set(name, version);
    return version;
  }

  /** What {@link version} has counted so far. */
  versions(): ReadonlyMap<string, number> {
    return new Map(this.#versions);
  }

  countVersionsFrom(versions: ReadonlyMap<string, number>): void {
    this.#versions = new Map(versions);
  }

  /** The same at the same place is said once. */
  say(severity: Diagnostic['severity'], code: string, message: string, place: Place): void {
    const clean = withoutMarks(message);
    const key = `${code}|${place.file}|${place.line}|${place.column}|${clean}`;
    if (this.#diagnostics.size < MOST_DIAGNOSTICS && !this.#diagnostics.has(key)) {
      this.#diagnostics.set(key, { severity, code: `lineage.${code}`, message: clean, place });
    }
  }

  want(type: Wanted['type'], name: string): void {
    const clean = withoutMarks(name);
    if (this.#wanted.size < MOST_WANTED) this.#wanted.set(`${type}|${clean}`, { type, name: clean });
  }

  /** Notes that something outside is read or written. */
  uses(source: Source, how: 'reads' | 'writes', circumstances: Circumstances): void {
    const key = sourceKey(source);
    const known = this.#datasets.get(key);
    if (known?.[how] === true) return;
    if (known !== undefined) {
      this.#datasets.set(key, { ...known, [how]: true });
      return;
    }
    this.#datasets.set(key, {
      source,
      reads: how === 'reads',
      writes: how === 'writes',
      holes: holesIn(Object.values(source).join(' ')),
      confidence: circumstances.confidence,
      place: circumstances.place,
    });
  }

  /** A statement at this place was met; once not understood, it stays so. */
  count(id: string, understood: boolean): void {
    if (this.#statements.get(id) !== 'opaque') this.#statements.set(id, understood ? 'understood' : 'opaque');
  }

  counted(id: string): boolean {
    return this.#statements.has(id);
  }

  /** How many statements were met so far. */
  get met(): number {
    return this.#statements.size;
  }

  statementCount(): StatementCount {
    const all = [...this.#statements.values()];
    const opaque = all.filter((how) => how === 'opaque').length;
    return { total: all.length, understood: all.length - opaque, opaque };
  }

  gathered(): Pick<ScriptLineage, 'datasets' | 'diagnostics' | 'wanted'> {
    return {
      datasets: [...this.#datasets.values()],
      diagnostics: [...this.#diagnostics.values()],
      wanted: [...this.#wanted.values()],
    };
  }
}

/** The statement that is being run, and how sure its running is. */
export interface Here {
  readonly session: Session;
  /** Its text after expansion, to which spans refer. */
  readonly text: string;
  readonly circumstances: Circumstances;
}
