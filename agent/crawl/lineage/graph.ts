import { sourceIdentity } from '#agent/lineage/file-place.ts';
import type { NamedDataset } from '#agent/lineage/naming/naming.ts';
import type { DatasetUse, FieldLineage, Origin, ScriptLineage, Source } from '#agent/lineage/result.ts';
import { keyPart } from '#protocol/keys.ts';
import { lessSure } from '#protocol/lineage.ts';
import { type EdgeFacts, EdgeSet, type LineageEdgeRow } from './edge-set.ts';

/** A place outside of the app that data comes from or goes to. */
export interface DatasetRow {
  readonly key: string;
  readonly named: NamedDataset;
  readonly source: Source;
}

export interface ColumnRow {
  readonly key: string;
  readonly dataset: string;
  readonly name: string;
}

/** What an app's scope says of lineage. */
export interface LineageGraph {
  readonly datasets: readonly DatasetRow[];
  readonly columns: readonly ColumnRow[];
  readonly edges: readonly LineageEdgeRow[];
  /** Paths of apps that the script loads whole, where nobody can say which apps these are. */
  readonly unknownApps: readonly string[];
  /** Edges and columns that were left out because there are too many. */
  readonly left: number;
}

export interface GraphOptions {
  readonly lineage: ScriptLineage;
  /** The key of the app. */
  readonly app: string;
  readonly name: (source: Source) => NamedDataset;
  /** Keys of the app's fields and tables by name, as the last reload left them; undefined: not known, there are no assets. */
  readonly fields: ReadonlyMap<string, string> | undefined;
  readonly tables: ReadonlyMap<string, string> | undefined;
  /** False: no text of the script may leave, so expressions stay here. */
  readonly withTexts: boolean;
}

/** Wider than any app; one that is not could fill a catalog by itself. */
const MOST_EDGES = 40_000;
const MOST_COLUMNS = 20_000;
const MOST_DATASETS = 5_000;
const ALL = '*';

/**
 * What a script says, as datasets, columns and edges from what is derived to its origin. Tables of the script in between are
 * no nodes: origins are the outermost. Only fields and tables that the engine has after the last reload get edges, since
 * others are no assets.
 */
export const lineageGraph = (options: GraphOptions): LineageGraph => new Graph(options).build();

class Graph {
  readonly #options: GraphOptions;
  readonly #edges = new EdgeSet(MOST_EDGES);
  readonly #datasets = new Map<string, DatasetRow>();
  readonly #columns = new Map<string, ColumnRow>();
  readonly #named = new Map<string, NamedDataset>();
  readonly #unknownApps = new Set<string>();
  #left = 0;

  constructor(options: GraphOptions) {
    this.#options = options;
  }

  build(): LineageGraph {
    const { lineage, app, fields, tables } = this.#options;
    for (const use of lineage.datasets) this.#use(use, app);
    for (const table of lineage.tables) {
      if (!table.final) continue;
      const key = tables?.get(table.name);
      for (const field of table.fields) this.#derive(fields?.get(field.name), key, field);
    }
    for (const { target: path, directory, holes, format, fields: stored } of lineage.stores) {
      const source: Source = { type: 'file', path, directory, holes, table: undefined, format };
      const file = this.#dataset(source);
      if (file === undefined) continue;
      for (const field of stored) this.#derive(this.#column(file, field.name), file.key, field);
    }
    return {
      datasets: [...this.#datasets.values()],
      columns: [...this.#columns.values()],
      edges: [...this.#edges.rows()],
      unknownApps: [...this.#unknownApps],
      left: this.#left + this.#edges.left,
    };
  }

  #use({ source, reads, writes, confidence, place }: DatasetUse, app: string): void {
    const named = this.#dataset(source);
    if (named === undefined) return;
    const facts = { role: 'value', confidence, reasons: named.reasons, conditional: false, place } as const;
    for (const other of named.apps?.keys ?? []) this.#edges.add('loads', app, other, ofApp(facts, named));
    if (named.kind === 'app') return;
    if (source.type === 'binary' && (named.isAmbiguous || (named.kind === 'own' && named.apps === undefined)))
      this.#unknownApps.add(source.path);
    if (reads) this.#edges.add('loads', app, named.key, facts);
    if (writes) this.#edges.add('produces', app, named.key, facts);
  }

  /** Edges from a field or column to its origins; where a column is not known, from its table or file to the source. */
  #derive(from: string | undefined, whole: string | undefined, { origins, expression }: FieldLineage): void {
    for (const origin of origins) {
      const named = this.#dataset(origin.source);
      if (named === undefined) continue;
      const facts = this.#facts(origin, named, expression);
      if (named.apps !== undefined) this.#deriveFromApps(from, whole, origin.field, named, facts);
      if (named.kind === 'app') continue;
      if (origin.field !== ALL && from !== undefined) {
        const to = this.#column(named, origin.field);
        if (to !== undefined) this.#edges.add('derives', from, to, facts);
      } else if (origin.field === ALL && whole !== undefined) this.#edges.add('derives', whole, named.key, facts);
    }
  }

  /** A field of another app goes on to its own columns by what that app's crawl says. */
  #deriveFromApps(
    from: string | undefined,
    whole: string | undefined,
    field: string,
    named: NamedDataset,
    facts: EdgeFacts,
  ): void {
    for (const other of named.apps?.keys ?? []) {
      if (field !== ALL && from !== undefined)
        this.#edges.add('derives', from, `${other}/field/${keyPart(field)}`, ofApp(facts, named));
      else if (field === ALL && whole !== undefined) this.#edges.add('derives', whole, other, ofApp(facts, named));
    }
  }

  #facts(origin: Origin, named: NamedDataset, expression: string | undefined) {
    const { role, confidence, reasons, conditional, place } = origin;
    return {
      ...{ role, conditional, place },
      confidence: atMost(confidence, named),
      reasons: [...reasons, ...named.reasons],
      expression: this.#options.withTexts ? expression : undefined,
    };
  }

  /** Undefined for what is nowhere: rows that a script makes by itself. */
  #dataset(source: Source): NamedDataset | undefined {
    if (source.type === 'autogenerate') return undefined;
    const text = sourceIdentity(source);
    const known = this.#named.get(text);
    if (known !== undefined) return known;
    if (this.#datasets.size >= MOST_DATASETS) {
      this.#left += 1;
      return undefined;
    }
    const named = this.#options.name(source);
    this.#named.set(text, named);
    if (named.kind !== 'app' && !this.#datasets.has(named.key))
      this.#datasets.set(named.key, { key: named.key, named, source });
    return named;
  }

  #column(dataset: NamedDataset, name: string): string | undefined {
    const key = dataset.column(name);
    if (!this.#columns.has(key)) {
      if (this.#columns.size >= MOST_COLUMNS) {
        this.#left += 1;
        return undefined;
      }
      this.#columns.set(key, { key, dataset: dataset.key, name });
    }
    return key;
  }
}

/** Which app a file is that is called like one nobody can be sure of; and of several of one name it is one. */
const ofApp = (facts: EdgeFacts, { apps }: NamedDataset): EdgeFacts => {
  if (apps === undefined || apps.by === 'id') return facts;
  const least = apps.keys.length === 1 ? 'inferred' : 'candidate';
  return { ...facts, confidence: lessSure(facts.confidence, least), reasons: [...facts.reasons, 'app-name'] };
};

/** A name that was only assumed makes no edge surer than inferred. */
const ASSUMED: ReadonlySet<string> = new Set(['schema-assumed', 'database-unknown']);
const atMost = (confidence: Origin['confidence'], { reasons }: NamedDataset): Origin['confidence'] =>
  reasons.some((reason) => ASSUMED.has(reason)) ? lessSure(confidence, 'inferred') : confidence;
