import type { ContainerEntry, Meta } from '#agent/qlik/engine/calls.ts';
import type { Owner } from '#agent/qlik/repository/entities.ts';
import type { Connection } from '#config/connection/connection.ts';
import { type JsonObject, present } from './attributes.ts';
import type { People } from './people.ts';
import { flagAt, isTree, textAt, textsAt, timeAt } from './properties.ts';

/** What the engine says of any object of an app besides its properties. */
export const metaOf = (entry: ContainerEntry, people: People): JsonObject => {
  const { qMeta: meta, qData: data } = entry;
  const tags = textsAt(meta, 'tags');
  return present({
    description: textAt(meta, 'description') || textAt(data, 'description'),
    tags: tags.length > 0 ? tags : textsAt(data, 'tags'),
    owner: people.owner(ownerOf(entry)),
    class: meta?.published === undefined ? undefined : classOf(meta),
    approved: flagAt(meta, 'approved'),
    published: flagAt(meta, 'published'),
    created: timeAt(meta, 'createdDate'),
    modified: timeAt(meta, 'modifiedDate'),
    publishTime: timeAt(meta, 'publishTime'),
  });
};

export const ownerOf = ({ qMeta }: ContainerEntry): Partial<Owner> | undefined =>
  isTree(qMeta?.owner) ? qMeta?.owner : undefined;

/** Base objects are the author's, published with the app; community objects were published by others into it. */
export const classOf = (meta: Pick<Meta, 'published' | 'approved'> | undefined): 'base' | 'community' | 'private' =>
  meta?.published !== true ? 'private' : meta.approved === true ? 'base' : 'community';

export const titleOf = ({ qMeta, qData }: ContainerEntry): string => textAt(qMeta, 'title') || textAt(qData, 'title');

/** A path of the site as an address; nothing for what is no path: behind a host name it could name another host. */
export const addressOf = ({ displayUrl }: Connection, path: string): string | undefined =>
  path.startsWith('/') && !path.startsWith('//') ? `${displayUrl}${path}` : undefined;
