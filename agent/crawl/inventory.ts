import { setImmediate } from 'node:timers/promises';
import type { Listing } from '#agent/qlik/repository/listing.ts';
import type { Connection } from '#config/connection/connection.ts';
import type { Filter } from '#config/filter/filter.ts';
import {
  type AppItem,
  appItem,
  type FilterItem,
  type SheetItem,
  type StreamName,
  streamItem,
} from '#config/filter/item.ts';
import type { Fault } from '#protocol/errors.ts';
import { INVENTORY_LIMITS, type ItemRecord } from '#protocol/inventory.ts';
import { shortened } from '#protocol/printable.ts';
import { keysOf } from './keys.ts';

type Rows<T> = Pick<Listing<T>, 'rows' | 'incomplete'>;
type AppRow = Omit<AppItem, 'kind'>;

/** What an inventory asks of a site. */
export interface InventorySite {
  readonly connection: Pick<Connection, 'code'> & { readonly crawl: Pick<Connection['crawl'], 'sheetId'> };
  streams(): Promise<Rows<StreamName>>;
  apps(): Promise<Rows<AppRow>>;
  sheets(): AsyncIterable<
    readonly (Omit<SheetItem, 'kind' | 'app'> & { readonly engineObjectId: string; readonly appId: string })[]
  >;
}

export interface InventoryOptions {
  /** Also the sheets of all apps. */
  readonly sheets: boolean;
}

/** The rules of a filter for people, no more than an inventory may have; of more the last says how many there are. */
export const ruleTexts = ({ rules }: Filter): string[] => {
  const texts = rules.map(({ text }) => shortened(text, INVENTORY_LIMITS.rule));
  const most = INVENTORY_LIMITS.rules;
  return texts.length <= most ? texts : [...texts.slice(0, most - 1), `… and ${texts.length - most + 1} rules more`];
};

const byName = <T extends { readonly name: string }>(rows: readonly T[]): readonly T[] =>
  [...rows].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

/** The rest of the agent goes on after so many: many large patterns take their time. */
const JUDGED_AT_ONCE = 16;

async function* slices<T>(rows: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < rows.length; from += JUDGED_AT_ONCE) {
    await setImmediate();
    yield rows.slice(from, from + JUDGED_AT_ONCE);
  }
}

async function* slicesOf<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<readonly T[]> {
  for await (const page of pages) yield* slices(page);
}

/**
 * Every stream, app and sheet of a site, a page at a time, each with what the filter says of it. No app is opened and
 * nothing is left out. Throws a {@link Fault} at the end when a list was not whole, after all that came of it.
 */
export async function* takeInventory(
  site: InventorySite,
  filter: Filter,
  options: InventoryOptions,
): AsyncGenerator<readonly ItemRecord[]> {
  const { code, crawl } = site.connection;
  const keys = keysOf(code);
  let incomplete: Fault | undefined;
  const rowsOf = <T>(listing: Rows<T>): readonly T[] => {
    incomplete ??= listing.incomplete;
    return listing.rows;
  };
  const record = (item: FilterItem, key: string, within: string | undefined): ItemRecord => {
    const { kept, rule } = filter.judge(item);
    return {
      t: 'item',
      kind: item.kind,
      key,
      name: shortened(item.name, INVENTORY_LIMITS.name),
      ...(within === undefined ? {} : { within: shortened(within, INVENTORY_LIMITS.name) }),
      kept,
      ...(rule === undefined ? {} : { rule: shortened(rule, INVENTORY_LIMITS.rule) }),
    };
  };
  // Both at once: they are independent, and the repository takes long for each.
  const [streams, apps] = await Promise.all([site.streams(), site.apps()]);
  yield byName(rowsOf(streams)).map((row) => record(streamItem(row), keys.of('stream', row.id), undefined));
  const items = new Map<string, AppItem>();
  const appRecord = (row: AppRow): ItemRecord => {
    const item = appItem(row);
    // Sheets need no more of their app than the filter asks for.
    items.set(row.id, item);
    return record(item, keys.of(row.id), row.stream?.name);
  };
  for await (const some of slices(byName(rowsOf(apps)))) yield some.map(appRecord);
  if (options.sheets)
    for await (const page of slicesOf(site.sheets()))
      yield page.flatMap(({ id, engineObjectId, appId, name, published, approved, owner }) => {
        const app = items.get(appId);
        // Published or deleted meanwhile: without its app a sheet is nothing that a crawl would find.
        if (app === undefined) return [];
        const sheetId = crawl.sheetId === 'repository' ? id : engineObjectId;
        return [
          record(
            { kind: 'sheet', id: engineObjectId, name, app, published, approved, owner },
            keys.of(appId, sheetId),
            app.name,
          ),
        ];
      });
  if (incomplete !== undefined) throw incomplete;
}
