import { redactText } from '#config/redaction/rules.ts';
import { Fault } from '#protocol/errors.ts';
import type { ContainerEntry, DocCalls, Properties, PropertyEntry, VariableEntry } from './calls.ts';
import { type EngineOptions, EngineSession } from './session.ts';
import { METHOD_NOT_FOUND, rpcError } from './verdict.ts';

/** What one session object tells about an app, once its layout was read. */
export interface AppLists {
  readonly dimensions: readonly ContainerEntry[];
  readonly measures: readonly ContainerEntry[];
  readonly variables: readonly VariableEntry[];
  readonly bookmarks: readonly ContainerEntry[];
}

interface ListWanted {
  readonly definition: string;
  readonly layout: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/**
 * Lists with pointers into the properties of each item: one call instead of one for each item. `/qDim` is asked for as a
 * whole, since a deeper pointer (`/qDim/qFieldDefs`) comes back empty from real servers.
 */
const LISTS: Readonly<Record<keyof AppLists, ListWanted>> = {
  dimensions: {
    definition: 'qDimensionListDef',
    layout: 'qDimensionList',
    properties: {
      qType: 'dimension',
      qData: { dim: '/qDim', title: '/qMetaDef/title', tags: '/qMetaDef/tags', description: '/qMetaDef/description' },
    },
  },
  measures: {
    definition: 'qMeasureListDef',
    layout: 'qMeasureList',
    properties: {
      qType: 'measure',
      qData: {
        measure: '/qMeasure',
        title: '/qMetaDef/title',
        tags: '/qMetaDef/tags',
        description: '/qMetaDef/description',
      },
    },
  },
  variables: {
    definition: 'qVariableListDef',
    layout: 'qVariableList',
    properties: {
      qType: 'variable',
      // Asked for and filtered here: an older engine shows them whatever is asked.
      qShowReserved: false,
      qShowConfig: false,
      qData: { comment: '/qComment', tags: '/tags' },
    },
  },
  bookmarks: {
    definition: 'qBookmarkListDef',
    layout: 'qBookmarkList',
    properties: {
      qType: 'bookmark',
      qData: {
        title: '/qMetaDef/title',
        description: '/qMetaDef/description',
        sheetId: '/sheetId',
        fields: '/selectionFields',
      },
    },
  },
};

/** A row of `GetLineage`: what was read or written, and the statement, which is mostly empty. */
export interface TouchedSource {
  readonly discriminator: string;
  readonly statement: string;
}

const MOST_TOUCHED = 2_000;
const MOST_TOUCHED_TEXT = 2_000;

/** Connection strings come with their passwords. */
const harmless = (text: unknown): string =>
  typeof text === 'string'
    ? redactText(text.slice(0, MOST_TOUCHED_TEXT * 2))
        .slice(0, MOST_TOUCHED_TEXT)
        .toWellFormed()
    : '';

const LIST_NAMES = Object.keys(LISTS) as (keyof AppLists)[];

/** An app that is open, nearly always without its data. Calls may run side by side: they are pipelined on the one socket. */
export class OpenApp {
  readonly #session: EngineSession;
  readonly #doc: DocCalls;
  #asked = 0;

  private constructor(session: EngineSession, doc: DocCalls) {
    this.#session = session;
    this.#doc = doc;
  }

  static async open(options: EngineOptions, appId: string, data?: 'with data'): Promise<OpenApp> {
    const session = await EngineSession.connect(options, appId);
    try {
      const { eventLoopUtilization } = performance;
      const asked = eventLoopUtilization();
      const app = await OpenApp.on(session, data);
      // Only the time in which this process did nothing: when it is busy itself, an answer waits for us and not we for it.
      options.watch?.opened(eventLoopUtilization(asked).idle);
      return app;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Opens the app of a session that is connected; the session stays the caller's to close when that fails. */
  static async on(session: EngineSession, data?: 'with data'): Promise<OpenApp> {
    return new OpenApp(session, await session.openDoc(data));
  }

  /** What all answers about it came to up to now. */
  get receivedBytes(): number {
    return this.#session.receivedBytes;
  }

  /** False when somebody else's session has the app open with its data, and we were let into that one. */
  async withoutData(): Promise<boolean> {
    const layout = await this.#session.call('GetAppLayout', () => this.#doc.getAppLayout());
    return layout['qIsOpenedWithoutData'] === true;
  }

  /**
   * The objects of these types (`sheet`, `story`, `masterobject`), with ids and meta data; of their properties only what
   * `data` points to (JSON pointers by name).
   */
  async objects(types: readonly string[], data: Readonly<Record<string, string>>): Promise<readonly ContainerEntry[]> {
    const list = await this.#session.call('GetObjects', () =>
      this.#doc.getObjects({ qTypes: types, qIncludeSessionObjects: false, qData: data }),
    );
    return arrayOf<ContainerEntry>(list, 'GetObjects');
  }

  /** Master dimensions and measures, variables and bookmarks, by one session object that holds the four lists. */
  async lists(): Promise<AppLists> {
    const layout = await this.#listLayout(LIST_NAMES);
    const items = { ...itemsOf(layout, LIST_NAMES) };
    // An engine that evaluates only one list of an object is asked for each.
    const absent = LIST_NAMES.filter((name) => items[name] === undefined);
    await Promise.all(
      absent.map(async (name) => {
        items[name] = itemsOf(await this.#listLayout([name]), [name])[name];
      }),
    );
    return {
      dimensions: (items.dimensions ?? []) as readonly ContainerEntry[],
      measures: (items.measures ?? []) as readonly ContainerEntry[],
      variables: (items.variables ?? []) as readonly VariableEntry[],
      bookmarks: (items.bookmarks ?? []) as readonly ContainerEntry[],
    };
  }

  /** An object's properties with all its descendants', in one call (after the one for its handle). */
  async propertyTree(id: string): Promise<PropertyEntry> {
    const object = await this.#session.call(`GetObject ${id}`, () => this.#doc.getObject(id));
    return await this.#session.call(`GetFullPropertyTree ${id}`, () => object.getFullPropertyTree());
  }

  /** How many children of this type an object has: slides of a story. */
  async childCount(id: string, type: string): Promise<number> {
    const object = await this.#session.call(`GetObject ${id}`, () => this.#doc.getObject(id));
    const infos = await this.#session.call(`GetChildInfos ${id}`, () => object.getChildInfos());
    return arrayOf<{ readonly qType?: string }>(infos, 'GetChildInfos').filter(({ qType }) => qType === type).length;
  }

  async properties(id: string): Promise<Properties> {
    const object = await this.#session.call(`GetObject ${id}`, () => this.#doc.getObject(id));
    return await this.#session.call(`GetProperties ${id}`, () => object.getProperties());
  }

  /**
   * The load script; empty when there is none or the user may not see it (the engine does not tell which). `GetScriptEx`
   * needs the right to read only, `GetScript` more, but older engines have no other.
   */
  async script(): Promise<string> {
    try {
      const script = await this.#session.call('GetScriptEx', () => this.#doc.getScriptEx());
      return typeof script === 'string' ? script : (script?.qScript ?? '');
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'qlik.access_denied') return '';
      if (rpcError(error.cause)?.code !== METHOD_NOT_FOUND) throw error;
    }
    try {
      return (await this.#session.call('GetScript', () => this.#doc.getScript())) ?? '';
    } catch (error) {
      if (error instanceof Fault && error.code === 'qlik.access_denied') return '';
      throw error;
    }
  }

  /**
   * What the last reload touched, as the engine notes it: paths, connection strings, statements, in all spellings and more
   * than once. Without secrets, each row once. Older releases tell nothing of an app that was opened without data.
   */
  async touched(): Promise<readonly TouchedSource[]> {
    const rows = arrayOf<{ readonly qDiscriminator?: unknown; readonly qStatement?: unknown }>(
      await this.#session.call('GetLineage', () => this.#doc.getLineage()),
      'GetLineage',
    );
    const found = new Map<string, TouchedSource>();
    for (const { qDiscriminator, qStatement } of rows) {
      const [discriminator, statement] = [harmless(qDiscriminator), harmless(qStatement)];
      if (discriminator !== '' || statement !== '')
        found.set(`${discriminator}\0${statement}`, { discriminator, statement });
      if (found.size >= MOST_TOUCHED) break;
    }
    return [...found.values()];
  }

  /** The layout of an object that lives for this one question, such as a small part of a hypercube. */
  async evaluated(properties: Readonly<Record<string, unknown>>): Promise<Properties> {
    this.#asked += 1;
    const qId = `culvert-${this.#asked}`;
    const object = await this.#session.call('CreateSessionObject', () =>
      this.#doc.createSessionObject({ ...properties, qInfo: { qId, qType: 'CulvertValues' } }),
    );
    try {
      return await this.#session.call('GetLayout', () => object.getLayout());
    } finally {
      // It takes memory of the server while it lives; that it cannot be ended is no reason to fail.
      await this.#session
        .call('DestroySessionObject', () => this.#doc.destroySessionObject(qId))
        .catch(() => undefined);
    }
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async #listLayout(names: readonly (keyof AppLists)[]): Promise<Properties> {
    const properties: Record<string, unknown> = { qInfo: { qType: 'CulvertLists' } };
    for (const name of names) properties[LISTS[name].definition] = LISTS[name].properties;
    const object = await this.#session.call('CreateSessionObject', () => this.#doc.createSessionObject(properties));
    return await this.#session.call('GetLayout', () => object.getLayout());
  }
}

const arrayOf = <T>(value: unknown, doing: string): readonly T[] => {
  if (Array.isArray(value)) return value as readonly T[];
  throw new Fault('qlik.protocol', `${doing} did not answer with a list`);
};

const itemsOf = (
  layout: Properties,
  names: readonly (keyof AppLists)[],
): Partial<Record<keyof AppLists, readonly unknown[] | undefined>> =>
  Object.fromEntries(
    names.map((name) => {
      const list = layout[LISTS[name].layout];
      const items =
        typeof list === 'object' && list !== null && 'qItems' in list && Array.isArray(list.qItems)
          ? list.qItems
          : undefined;
      return [name, items];
    }),
  );
