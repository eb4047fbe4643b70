import { sourceIdentity } from '../file-place.ts';
import type { Diagnostic, FieldLineage, Origin, ScriptLineage, Source } from '../result.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { differences } from './differences.ts';
import { Touched } from './touched.ts';
import type { Witnesses } from './witnesses.ts';

export interface Reconciled {
  /** With the confidence that the witnesses give it. */
  readonly lineage: ScriptLineage;
  readonly coverage: Coverage;
  /** What differs between the script and the witnesses; they are among those of `lineage`, too. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Holds what a script says against all who saw its last reload. What is certain by the text and was seen by another is
 * `confirmed`; what was seen in the log is so even if the text alone could not say it. Nothing is added, and nothing that
 * the script says is taken away: differences are told.
 */
export const reconcile = (lineage: ScriptLineage, witnesses: Witnesses): Reconciled => {
  const touched = new Touched(witnesses.touched, witnesses.place);
  const judge = new Judge(witnesses, touched);
  const diagnostics = [...differences(lineage, witnesses, touched)];
  return {
    lineage: {
      ...lineage,
      tables: lineage.tables.map((table) => {
        const known = table.final ? new Set(witnesses.model?.get(table.name)) : undefined;
        return { ...table, fields: table.fields.map((field) => judge.field(table.name, field, known)) };
      }),
      stores: lineage.stores.map((store) => {
        const { target: path, directory, format } = store;
        const columns = witnesses.columns({ type: 'file', path, directory, table: undefined, format });
        const known = columns === undefined ? undefined : new Set(columns);
        return { ...store, fields: store.fields.map((field) => judge.field(store.target, field, known)) };
      }),
      datasets: lineage.datasets.map((use) =>
        use.confidence === 'exact' && judge.isTouched(use.source) ? { ...use, confidence: 'confirmed' } : use,
      ),
      diagnostics: [...lineage.diagnostics, ...diagnostics],
    },
    coverage: coverageOf(lineage, witnesses.model),
    diagnostics,
  };
};

class Judge {
  readonly #witnesses: Witnesses;
  readonly #touched: Touched;
  readonly #logged: ReadonlySet<string>;
  readonly #places = new Map<string, string>();
  readonly #seen = new Map<string, boolean>();
  readonly #columns = new Map<string, ReadonlySet<string> | undefined>();

  constructor(witnesses: Witnesses, touched: Touched) {
    this.#witnesses = witnesses;
    this.#touched = touched;
    const logged = new Set<string>();
    for (const { name, fields } of witnesses.log?.tables ?? []) this.#note(logged, name, fields);
    for (const { target, fields } of witnesses.log?.stores ?? []) this.#note(logged, target, fields);
    this.#logged = logged;
  }

  /** `known`: the names that were seen in the table or file; undefined: nobody saw it. */
  field(home: string, field: FieldLineage, known: ReadonlySet<string> | undefined): FieldLineage {
    const isThere = known?.has(field.name) === true;
    const origins = field.origins.map((origin) =>
      this.#isConfirmed(home, field.name, origin, isThere) ? { ...origin, confidence: 'confirmed' as const } : origin,
    );
    return { ...field, origins };
  }

  isTouched(source: Source): boolean {
    const text = sourceIdentity(source);
    const known = this.#seen.get(text) ?? this.#touched.reads(source);
    this.#seen.set(text, known);
    return known;
  }

  #isConfirmed(home: string, name: string, origin: Origin, isThere: boolean): boolean {
    if (origin.confidence !== 'exact' && origin.confidence !== 'inferred') return false;
    if (this.#logged.has(this.#edge(home, name, origin))) return true;
    if (origin.confidence !== 'exact' || !isThere || origin.conditional) return false;
    return this.isTouched(origin.source) || this.#hasColumn(origin);
  }

  #hasColumn({ source, field }: Origin): boolean {
    if (source.type !== 'file') return false;
    const text = sourceIdentity(source);
    if (!this.#columns.has(text)) {
      const columns = this.#witnesses.columns(source);
      this.#columns.set(text, columns === undefined ? undefined : new Set(columns));
    }
    return this.#columns.get(text)?.has(field) === true;
  }

  #note(logged: Set<string>, home: string, fields: readonly FieldLineage[]): void {
    for (const { name, origins } of fields)
      for (const origin of origins) if (origin.confidence === 'exact') logged.add(this.#edge(home, name, origin));
  }

  #edge(home: string, name: string, { source, field, role }: Origin): string {
    return JSON.stringify([home, name, this.#where(source), field, role]);
  }

  #where(source: Source): string {
    const text = sourceIdentity(source);
    const known = this.#places.get(text) ?? this.#witnesses.place(source) ?? text;
    this.#places.set(text, known);
    return known;
  }
}
