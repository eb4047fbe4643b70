import { AdministratorsMapping } from '#agent/lineage/mapping/mapping.ts';
import type { ConnectionPlace } from '#agent/lineage/naming/connection-place.ts';
import { Naming } from '#agent/lineage/naming/naming.ts';
import type { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import { type Lookup, lookupKey, lookupOf } from '#agent/lineage/process/messages.ts';
import { noLineage } from '#agent/lineage/process/nothing.ts';
import { reconcile } from '#agent/lineage/reconcile/reconcile.ts';
import { surroundingVariables } from '#agent/lineage/reconcile/surroundings.ts';
import type { DatasetUse, ScriptLineage, Source } from '#agent/lineage/result.ts';
import { sourceName } from '#agent/lineage/result-json.ts';
import type { DataModel } from '#agent/qlik/engine/data-model.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Connection } from '#config/connection/connection.ts';
import { Fault } from '#protocol/errors.ts';
import type { AppContent } from '../app-content.ts';
import type { SiteFiles } from '../site-files.ts';
import { KeptApps, type KeptPlace } from './kept-apps.ts';
import { type LineageInputs, Lookups } from './lookups.ts';
import type { ManualEdge } from './manual-edges.ts';

/** What a crawl needs for the lineage of apps. */
export interface LineageMeans {
  readonly process: Pick<LineageProcess, 'script'>;
  /** False: what a script says may leave, and no text of it. */
  readonly withTexts: boolean;
  /** Where contents of apps are kept, so that lineage can be made anew without opening them; absent: nowhere. */
  readonly kept?: KeptPlace | undefined;
  /** Of the interpreter; a test has others. */
  readonly version?: string | undefined;
}

/** What became of the script of one app. */
export interface AppLineage {
  readonly lineage: ScriptLineage;
  /** Share of the app's fields that the script explains, 0 to 1; null: not known. */
  readonly coverage: number | null;
  /** Of the interpretation as a whole; the lineage says nothing then. */
  readonly fault: Fault | undefined;
  /** What it was made with besides the app's own content. */
  readonly inputs: LineageInputs;
}

/** Raised when the same script with the same surroundings gives another lineage, or one that is written otherwise. */
const INTERPRETER_VERSION = '1';

const INTERPRETER = 'interpreter';
const MAPPING = 'mapping';
/** An app that reads thousands of files has its lineage made anew when one of the first of them changed. */
const MOST_INPUTS = 2_000;
const LIBRARY = /^lib:\/\/([^/\\]+)/i;

/** Makes the lineage of the apps of one site during a crawl. */
export class SiteLineage {
  readonly #means: LineageMeans;
  readonly #lookups: Lookups;
  readonly #connection: Connection;
  readonly #connections: ReadonlyMap<string, ConnectionPlace>;
  readonly #signal: AbortSignal | undefined;
  readonly #mapping: AdministratorsMapping | undefined;
  #byName: ReadonlyMap<string, ConnectionPlace> | undefined;
  #naming: Naming | undefined;
  #kept: Promise<KeptApps | undefined> | undefined;

  /** @param connections where data connections lead, by id; read when the first app is looked at */
  constructor(
    means: LineageMeans,
    connection: Connection,
    connections: ReadonlyMap<string, ConnectionPlace>,
    files: SiteFiles | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.#means = means;
    this.#connection = connection;
    this.#connections = connections;
    this.#signal = signal;
    this.#lookups = new Lookups(files, () => this.#named());
    const { lineageMapping } = connection;
    this.#mapping = lineageMapping && new AdministratorsMapping(lineageMapping);
  }

  get #version(): string {
    return this.#means.version ?? INTERPRETER_VERSION;
  }

  /** Where contents of apps are kept; undefined: nowhere. */
  kept(): Promise<KeptApps | undefined> {
    const { kept } = this.#means;
    this.#kept ??= kept === undefined ? Promise.resolve(undefined) : KeptApps.open(kept, this.#connection.code);
    return this.#kept;
  }

  get withTexts(): boolean {
    return this.#means.withTexts;
  }

  /** Names what scripts of the site read and write. */
  get naming(): Naming {
    this.#naming ??= new Naming({
      code: this.#connection.code,
      host: new URL(this.#connection.origin).hostname,
      connections: [...this.#connections.values()],
      mapping: this.#mapping,
      libraries: new Set(
        (this.#connection.paths?.qvds ?? []).flatMap(({ from }) =>
          from.root.startsWith('lib://') ? [from.root.toLowerCase()] : [],
        ),
      ),
    });
    return this.#naming;
  }

  /** The lineage of an app's script. Never fails but with the signal's reason: what goes wrong is the app's own. */
  async of(
    row: Pick<QrsApp, 'id' | 'name'>,
    { script, model, lists, touched = [] }: Pick<AppContent, 'script' | 'model' | 'lists' | 'touched'>,
  ): Promise<AppLineage> {
    const asked = new Map<string, Lookup>();
    const columns = new Map<string, readonly string[]>();
    const tables = model.available ? tablesOf(model) : undefined;
    try {
      const { lineage } = await this.#means.process.script(
        {
          text: script,
          model: tables,
          variables: surroundingVariables({ mapping: this.#mapping?.variables(row), engine: lists.variables }),
        },
        async (lookup) => {
          asked.set(lookupKey(lookup), lookup);
          const found = await this.#lookups.find(lookup);
          if (lookup.type === 'columns' && found.type === 'columns' && found.columns !== undefined)
            columns.set(sourceName(lookup.source), found.columns);
          return found;
        },
        this.#signal,
      );
      const reconciled = reconcile(lineage, {
        model: tables,
        touched,
        log: undefined,
        columns: (source) => columns.get(sourceName(source)),
        place: (source) => this.#place(source, row.id),
      });
      return {
        lineage: reconciled.lineage,
        coverage: reconciled.coverage.share,
        fault: undefined,
        inputs: await this.#inputs(asked, lineage.datasets),
      };
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (!(error instanceof Fault)) throw error;
      return {
        lineage: noLineage(error.code, error.message),
        coverage: null,
        fault: new Fault(error.code, `${error.message} (app "${row.name}")`, { advice: error.advice }),
        inputs: await this.#inputs(asked, []),
      };
    }
  }

  /** What the administrator says of an app's fields, and no script. */
  *manualEdges(row: Pick<QrsApp, 'id' | 'name'>): Generator<ManualEdge> {
    for (const { of, from, column } of this.#mapping?.edgesOf(row) ?? [])
      if (column !== undefined) yield { field: of.field, dataset: this.naming.written(from), column };
  }

  /** One text for each place that is known, however a script calls it. */
  #place(source: Source, appId: string): string | undefined {
    const { kind, key } = this.naming.of(source, { appId });
    return kind === 'own' ? undefined : key;
  }

  /** What an app's lineage was made with and is another thing now, the first of them; undefined when nothing is. */
  async changed(inputs: LineageInputs): Promise<string | undefined> {
    for (const [input, mark] of inputs) if ((await this.#mark(input)) !== mark) return input;
    return undefined;
  }

  async #inputs(asked: ReadonlyMap<string, Lookup>, datasets: readonly DatasetUse[]): Promise<LineageInputs> {
    const lookups = new Map(asked);
    // What names the datasets, whether the interpreter asked for it or not.
    for (const name of connectionsIn(datasets)) {
      const lookup: Lookup = { type: 'connection', name };
      lookups.set(lookupKey(lookup), lookup);
    }
    const inputs = await Promise.all(
      [...lookups].slice(0, MOST_INPUTS).map(async ([key, lookup]) => [key, await this.#lookups.mark(lookup)] as const),
    );
    return [[INTERPRETER, this.#version], [MAPPING, this.#mapping?.digest ?? ''], ...inputs];
  }

  async #mark(input: string): Promise<string> {
    if (input === INTERPRETER) return this.#version;
    if (input === MAPPING) return this.#mapping?.digest ?? '';
    const lookup = lookupOf(input);
    return lookup === undefined ? '' : await this.#lookups.mark(lookup);
  }

  #named(): ReadonlyMap<string, ConnectionPlace> {
    this.#byName ??= new Map([...this.#connections.values()].map((place) => [place.name.toLowerCase(), place]));
    return this.#byName;
  }
}

/** Names of the data connections that say where datasets are. */
const connectionsIn = (datasets: readonly DatasetUse[]): ReadonlySet<string> => {
  const names = new Set<string>();
  for (const { source } of datasets) {
    if (source.type === 'object' && source.connection !== '') names.add(source.connection.toLowerCase());
    const library = source.type === 'file' || source.type === 'binary' ? LIBRARY.exec(source.path)?.[1] : undefined;
    if (library !== undefined && !library.includes('$(')) names.add(library.trim().toLowerCase());
  }
  return names;
};

/** Names of fields by table, as the last reload left them. */
const tablesOf = ({
  tables,
  fields,
}: Extract<DataModel, { available: true }>): ReadonlyMap<string, readonly string[]> => {
  const byTable = new Map<string, string[]>(tables.flatMap(({ name, is_system }) => (is_system ? [] : [[name, []]])));
  // What the engine derives from dates by itself is in no file that a script reads.
  for (const { name, is_system, src_tables, tags } of fields)
    if (!(is_system || tags.includes('$derived')))
      for (const table of new Set(src_tables)) byTable.get(table)?.push(name);
  return byTable;
};
