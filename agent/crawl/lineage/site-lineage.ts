import { wholePath } from '#agent/lineage/file-place.ts';
import { AdministratorsMapping } from '#agent/lineage/mapping/mapping.ts';
import type { ConnectionPlace } from '#agent/lineage/naming/connection-place.ts';
import { Naming } from '#agent/lineage/naming/naming.ts';
import { type SiteApp, SiteApps } from '#agent/lineage/naming/site-apps.ts';
import { interpreterVersion } from '#agent/lineage/process/interpreter-version.ts';
import type { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import { type LookUp, type Lookup, lookupKey, lookupOf } from '#agent/lineage/process/messages.ts';
import { noLineage } from '#agent/lineage/process/nothing.ts';
import { reconcile } from '#agent/lineage/reconcile/reconcile.ts';
import { filesMatching, surroundingVariables } from '#agent/lineage/reconcile/surroundings.ts';
import { Touched } from '#agent/lineage/reconcile/touched.ts';
import type { DatasetUse, ScriptLineage, Source } from '#agent/lineage/result.ts';
import type { DataModel } from '#agent/qlik/engine/data-model.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Connection } from '#config/connection/connection.ts';
import { redactText } from '#config/redaction/rules.ts';
import { Fault } from '#protocol/errors.ts';
import type { AppContent } from '../app-content.ts';
import type { SiteFiles } from '../site-files.ts';
import { KeptApps, type KeptPlace } from './kept-apps.ts';
import { type LineageInputs, Lookups, NOTHING } from './lookups.ts';
import type { ManualDataset, ManualEdge } from './manual-edges.ts';

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

/** What of an app its lineage is made of. */
type ScriptedContent = Pick<AppContent, 'script' | 'model' | 'lists' | 'touched'>;

const fileAt = (path: string): Source => ({ type: 'file', path, table: undefined, format: '' });

const INTERPRETER = 'interpreter';
const MAPPING = 'mapping';
/** In front of a path: the apps that it means. */
const BINARY = 'binary ';
/** An app that reads thousands of files has its lineage made anew when one of the first of them changed. */
const MOST_INPUTS = 2_000;
/** Characters of all that a script includes: as much as is read of it for its assets. */
const MOST_INCLUDED = 8 * 1024 * 1024;
const MOST_LINES = 10;
const LIBRARY = /^lib:\/\/([^/\\]+)/i;

/** Makes the lineage of the apps of one site during a crawl. */
export class SiteLineage {
  readonly #means: LineageMeans;
  readonly #lookups: Lookups;
  readonly #connection: Connection;
  readonly #files: SiteFiles | undefined;
  readonly #connections: ReadonlyMap<string, ConnectionPlace>;
  readonly #signal: AbortSignal | undefined;
  readonly #mapping: AdministratorsMapping | undefined;
  #byName: ReadonlyMap<string, ConnectionPlace> | undefined;
  #naming: Naming | undefined;
  #apps: SiteApps | undefined;
  #linesWithoutApp: readonly number[] = [];
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
    this.#files = files;
    this.#lookups = new Lookups(files, () => this.#named());
    const { lineageMapping } = connection;
    this.#mapping = lineageMapping && new AdministratorsMapping(lineageMapping);
  }

  get #version(): string {
    return this.#means.version ?? interpreterVersion();
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

  /** Told which apps the site has, as far as they may be named: for scripts that load one whole. */
  knows(apps: readonly SiteApp[]): void {
    this.#apps = new SiteApps(apps);
    this.#naming = undefined;
    this.#linesWithoutApp = this.#mapping?.linesWithoutApp(apps) ?? [];
  }

  /** Edges of the mapping file that lead nowhere, since no app that is crawled is meant by them; undefined: none. */
  get unusedEdges(): Fault | undefined {
    const lines = this.#linesWithoutApp;
    if (lines.length === 0) return undefined;
    const shown = lines.slice(0, MOST_LINES).join(', ');
    const more = lines.length > MOST_LINES ? ` and ${lines.length - MOST_LINES} more` : '';
    return new Fault(
      'lineage.mapping_unused',
      `Edges of the mapping file name apps that are not among those that are crawled (lines ${shown}${more})`,
    );
  }

  /** Names what scripts of the site read and write. */
  get naming(): Naming {
    this.#naming ??= new Naming({
      code: this.#connection.code,
      host: new URL(this.#connection.origin).hostname,
      connections: [...this.#connections.values()],
      mapping: this.#mapping,
      apps: this.#apps,
      libraries: new Set(
        (this.#connection.paths?.qvds ?? []).flatMap(({ from }) =>
          from.root.startsWith('lib://') ? [from.root.toLowerCase()] : [],
        ),
      ),
    });
    return this.#naming;
  }

  /** The lineage of an app's script. Never fails but with the signal's reason: what goes wrong is the app's own. */
  async of(row: Pick<QrsApp, 'id' | 'name'>, content: ScriptedContent): Promise<AppLineage> {
    const asked = new Map<string, Lookup>();
    try {
      const log = await this.#logOf(row, content);
      const model = content.model.available ? tablesOf(content.model) : undefined;
      const variables = surroundingVariables({
        mapping: this.#mapping?.variables(row),
        log: log?.variables,
        engine: content.lists.variables,
      });
      const lookUp = this.#lookUp(row, content, asked);
      const question = { text: content.script, model, variables };
      const { lineage: said } = await this.#means.process.script(question, lookUp, this.#signal);
      const heads = await this.#headsOf(said, asked);
      const { lineage, coverage } = reconcile(said, {
        ...{ model, log, touched: content.touched ?? [] },
        columns: (source) => (source.type === 'file' ? heads.get(wholePath(source)) : undefined),
        place: (source) => this.#placeOf(source, row.id),
      });
      const inputs = await this.#inputs(asked, lineage.datasets);
      return { lineage, coverage: coverage.share, fault: undefined, inputs };
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

  /** What the administrator says of datasets, which belong to no app. */
  *manualDatasets(): Generator<ManualDataset> {
    for (const { of, from, column } of this.#mapping?.edgesOfDatasets() ?? [])
      yield {
        ...{ dataset: this.naming.written(of.dataset), column: of.column },
        ...{ origin: this.naming.written(from), originColumn: column },
      };
  }

  #lookUp(row: Pick<QrsApp, 'id'>, { touched = [] }: ScriptedContent, asked: Map<string, Lookup>): LookUp {
    const place = (path: string): string | undefined => this.#placeOf(fileAt(path), row.id);
    const seen = new Touched(touched, (source) => this.#placeOf(source, row.id));
    let left = MOST_INCLUDED;
    return async (lookup) => {
      // What an app read by a pattern it tells itself: no other input than the app.
      if (lookup.type === 'files') return { type: 'files', files: filesMatching(lookup.pattern, seen.paths, place) };
      asked.set(lookupKey(lookup), lookup);
      if (lookup.type !== 'include') return await this.#lookups.find(lookup);
      if (left <= 0) return { type: 'include', text: undefined };
      const found = await this.#lookups.find(lookup);
      left -= found.type === 'include' ? (found.text?.length ?? 0) : 0;
      return found;
    };
  }

  /** The statements of the last reload, where its log can be read: loops unrolled, variables as they were. */
  async #logOf(row: Pick<QrsApp, 'id'>, content: ScriptedContent): Promise<ScriptLineage | undefined> {
    const log = await this.#files?.lastLog(row.id);
    if (log === undefined || log.cut || log.failed === true || log.statements.trim() === '') return undefined;
    try {
      const lookUp = this.#lookUp(row, content, new Map());
      return (await this.#means.process.script({ text: log.statements }, lookUp, this.#signal)).lineage;
    } catch (error) {
      this.#signal?.throwIfAborted();
      // The script itself is looked at all the same.
      if (error instanceof Fault) return undefined;
      throw error;
    }
  }

  /** Columns of the QVD files that the script reads or writes, by path. What was looked at counts as asked for. */
  async #headsOf(
    { datasets }: ScriptLineage,
    asked: Map<string, Lookup>,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const heads = new Map<string, readonly string[]>();
    for (const { source, holes } of datasets.slice(0, MOST_INPUTS)) {
      if (source.type !== 'file' || holes.length > 0) continue;
      const lookup: Lookup = { type: 'columns', source };
      if (!this.#lookups.looksInto(source)) continue;
      asked.set(lookupKey(lookup), lookup);
      const found = await this.#lookups.find(lookup);
      if (found.type === 'columns' && found.columns !== undefined) heads.set(wholePath(source), found.columns);
    }
    return heads;
  }

  /** One text for each place; undefined for what is only the app's own. */
  #placeOf(source: Source, appId: string): string | undefined {
    const { kind, key } = this.naming.of(source, { appId });
    return kind === 'own' ? undefined : key;
  }

  /** What an app's lineage was made with and is another thing now, the first of them; undefined when nothing is. */
  async changed(inputs: LineageInputs): Promise<string | undefined> {
    for (const [input, before] of inputs) {
      const now = await this.mark(input);
      if (now !== undefined && now !== before) return input;
    }
    return undefined;
  }

  async #inputs(asked: ReadonlyMap<string, Lookup>, datasets: readonly DatasetUse[]): Promise<LineageInputs> {
    const lookups = new Map(asked);
    // What names the datasets, whether the interpreter asked for it or not.
    for (const name of connectionsIn(datasets)) {
      const lookup: Lookup = { type: 'connection', name };
      lookups.set(lookupKey(lookup), lookup);
    }
    // Nobody reads a file by a path with a password in it, and the checkpoint is no place for one.
    const isPlain = (input: string): boolean => redactText(input) === input;
    const apps = datasets.flatMap(({ source }) => (source.type === 'binary' ? [`${BINARY}${source.path}`] : []));
    const inputs = await Promise.all(
      [...lookups]
        .filter(([key]) => isPlain(key))
        .slice(0, MOST_INPUTS)
        .map(async ([key, lookup]) => [key, (await this.#lookups.mark(lookup)) ?? NOTHING] as const),
    );
    return [
      [INTERPRETER, this.#version],
      [MAPPING, this.#mapping?.digest ?? ''],
      ...apps.filter(isPlain).map((input) => [input, this.#markOfApps(input) ?? ''] as const),
      ...inputs,
    ];
  }

  /** What an input is now; undefined where that cannot be told. @param input as an app's lineage notes it */
  async mark(input: string): Promise<string | undefined> {
    if (input === INTERPRETER) return this.#version;
    if (input === MAPPING) return this.#mapping?.digest ?? '';
    if (input.startsWith(BINARY)) return this.#markOfApps(input);
    const lookup = lookupOf(input);
    return lookup === undefined ? '' : await this.#lookups.mark(lookup);
  }

  /** Undefined as long as nobody said which apps there are. */
  #markOfApps(input: string): string | undefined {
    return this.#apps?.mark(input.slice(BINARY.length));
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
  // Calendars that the engine makes of a date are in no file that a script reads whole.
  for (const { name, is_system, tags, src_tables } of fields)
    if (!is_system && !tags.includes('$derived') && !tags.includes('$autoCalendar'))
      for (const table of new Set(src_tables)) byTable.get(table)?.push(name);
  return byTable;
};
