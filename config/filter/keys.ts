import type { FilterItem, ItemOwner } from './item.ts';

/** What an item has under a key: null where it has none, undefined where items of its kind never have it. */
export type Fact = string | readonly string[] | null | undefined;

interface FilterKey {
  /** All names of it, the first as it is told. */
  readonly names: readonly string[];
  readonly list?: true;
  readonly description: string;
  readonly of: (item: FilterItem) => Fact;
}

const streamOf = (item: FilterItem) =>
  item.kind === 'stream' ? item : item.kind === 'app' ? item.stream : item.app.stream;
const appOf = (item: FilterItem) => (item.kind === 'stream' ? undefined : item.kind === 'app' ? item : item.app);
const sheetOf = (item: FilterItem) => (item.kind === 'sheet' ? item : undefined);
/** As Qlik writes users. */
const account = (owner: ItemOwner | null | undefined): Fact =>
  owner === undefined || owner === null ? owner : `${owner.userDirectory}\\${owner.userId}`;
const flag = (value: boolean | undefined): Fact => (value === undefined ? undefined : String(value));
/** What an owner has, of an app that has one. */
const ofOwner = (item: FilterItem, what: (owner: ItemOwner) => string): Fact => {
  const owner = appOf(item)?.owner;
  return owner === undefined || owner === null ? owner : what(owner);
};

/** Keys of filter expressions and rules. An app has what its stream has, a sheet what its app has. */
export const FILTER_KEYS: readonly FilterKey[] = [
  {
    names: ['stream', 'stream_name'],
    description: 'Name of the stream; personal apps have none.',
    of: (item) => (streamOf(item) === null ? null : streamOf(item)?.name),
  },
  {
    names: ['stream_id'],
    description: 'Id of the stream.',
    of: (item) => (streamOf(item) === null ? null : streamOf(item)?.id),
  },
  { names: ['app', 'app_name', 'name'], description: 'Name of the app.', of: (item) => appOf(item)?.name },
  { names: ['app_id', 'id'], description: 'Id of the app.', of: (item) => appOf(item)?.id },
  { names: ['description'], description: 'Description of the app.', of: (item) => appOf(item)?.description },
  {
    names: ['published'],
    description: 'true or false: whether the app is published.',
    of: (item) => flag(appOf(item)?.published),
  },
  { names: ['owner'], description: 'Owner of the app: DIRECTORY\\user.', of: (item) => account(appOf(item)?.owner) },
  { names: ['owner_id'], description: "The owner's user id.", of: (item) => ofOwner(item, ({ userId }) => userId) },
  {
    names: ['owner_directory'],
    description: "The owner's user directory.",
    of: (item) => ofOwner(item, ({ userDirectory }) => userDirectory),
  },
  { names: ['owner_name'], description: "The owner's name.", of: (item) => ofOwner(item, ({ name }) => name) },
  { names: ['tags'], list: true, description: 'Tags of the app.', of: (item) => appOf(item)?.tags },
  {
    names: ['custom_properties'],
    list: true,
    description: 'Custom properties of the app, each as Name=value.',
    of: (item) => appOf(item)?.customProperties.map(({ name, value }) => `${name}=${value}`),
  },
  { names: ['sheet', 'sheet_name'], description: 'Name of the sheet.', of: (item) => sheetOf(item)?.name },
  { names: ['sheet_id'], description: 'Id of the sheet, as in its address.', of: (item) => sheetOf(item)?.id },
  {
    names: ['sheet_published'],
    description: 'true or false: whether the sheet is published.',
    of: (item) => flag(sheetOf(item)?.published),
  },
  {
    names: ['sheet_approved', 'approved'],
    description: 'true or false: whether the sheet is one of the base sheets.',
    of: (item) => flag(sheetOf(item)?.approved),
  },
  {
    names: ['sheet_owner'],
    description: 'Owner of the sheet: DIRECTORY\\user.',
    of: (item) => account(sheetOf(item)?.owner),
  },
];

/** What conditions of Culvert's own ask for, too; nobody writes it. */
const KIND: FilterKey = { names: ['$kind'], description: 'stream, app or sheet.', of: (item) => item.kind };

const BY_NAME = new Map([...FILTER_KEYS, KIND].flatMap((key) => key.names.map((name) => [name, key] as const)));

/** The key of a name, in any of its spellings. */
export const filterKey = (name: string): FilterKey | undefined => BY_NAME.get(name);

/** The names of all keys for a message, the first spelling of each. */
export const KNOWN_KEYS = FILTER_KEYS.map(({ names }) => names[0]).join(', ');
