/** A stream, as apps name the one they are published to. */
export interface StreamName {
  readonly id: string;
  readonly name: string;
}

/** Who owns an app or a sheet. Owners of QRS and of the engine fit as they are. */
export interface ItemOwner {
  readonly userDirectory: string;
  readonly userId: string;
  readonly name: string;
}

/**
 * A stream. It has no more than an app knows of its stream, so that the same rule says the same of both, whichever is
 * judged first.
 */
export interface StreamItem extends StreamName {
  readonly kind: 'stream';
}

/** An app, as QRS lists it. */
export interface AppItem {
  readonly kind: 'app';
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Null for personal work. */
  readonly stream: StreamName | null;
  readonly published: boolean;
  readonly owner: ItemOwner | null;
  /** Names of tags. */
  readonly tags: readonly string[];
  readonly customProperties: readonly { readonly name: string; readonly value: string }[];
}

/** A sheet, as both the engine and QRS know it. */
export interface SheetItem {
  readonly kind: 'sheet';
  /** The engine's id, as in the sheet's address. */
  readonly id: string;
  readonly name: string;
  readonly app: AppItem;
  readonly published: boolean;
  readonly approved: boolean;
  readonly owner: ItemOwner | null;
}

export type FilterItem = StreamItem | AppItem | SheetItem;

/** What QRS's rows of apps have of what a filter asks for. */
type AppRow = Omit<AppItem, 'kind'>;

/** A stream as a filter sees it. */
export const streamItem = ({ id, name }: StreamName): StreamItem => ({ kind: 'stream', id, name });

/** An app as a filter sees it: a row of QRS, without what nobody asks for. */
export const appItem = (row: AppRow): AppItem => ({
  kind: 'app',
  id: row.id,
  name: row.name,
  description: row.description,
  stream: row.stream,
  published: row.published,
  owner: row.owner,
  tags: row.tags,
  customProperties: row.customProperties,
});
