/** `qMeta`: what the repository knows of an app and of its objects, as the engine repeats it. */
import { removedUser } from '../model/people.ts';
import type { App, EngineObject, Site } from '../model/types.ts';

/** How a date that never was is written. */
export const NEVER = '1753-01-01T00:00:00.000Z';

const READ = ['read', 'exportdata'] as const;

/** A user that was deleted leaves an id and a name behind. */
const ownerOf = (site: Site, ownerId: string): Readonly<Record<string, unknown>> => {
  const user = site.users.find((candidate) => candidate.id === ownerId) ?? removedUser(ownerId);
  const { userId, userDirectory, name } = user;
  return { id: ownerId, userId, userDirectory, name, privileges: null };
};

const owners = new WeakMap<readonly unknown[], Map<string, Readonly<Record<string, unknown>>>>();

const owner = (site: Site, ownerId: string): Readonly<Record<string, unknown>> => {
  const known = owners.get(site.users) ?? new Map<string, Readonly<Record<string, unknown>>>();
  owners.set(site.users, known);
  const found = known.get(ownerId) ?? ownerOf(site, ownerId);
  known.set(ownerId, found);
  return found;
};

export const streamOf = (site: Site, app: App): Readonly<Record<string, unknown>> | null => {
  const stream = site.streams.find((candidate) => candidate.id === app.streamId);
  return stream ? { id: stream.id, name: stream.name } : null;
};

/** Of a persisted object: `qMetaDef` of its properties and what the repository adds. */
export const objectMeta = (site: Site, app: App, object: EngineObject): Readonly<Record<string, unknown>> => {
  const own = object.properties['qMetaDef'];
  return {
    ...(typeof own === 'object' && own !== null ? own : {}),
    privileges: READ,
    _resourcetype: 'app.object',
    _objecttype: object.qType,
    id: object.repositoryId ?? '',
    approved: object.approved,
    published: object.published,
    publishTime: object.published ? (app.publishTime ?? NEVER) : NEVER,
    createdDate: object.createdDate,
    modifiedDate: object.modifiedDate,
    sourceObject: '',
    draftObject: '',
    owner: owner(site, object.ownerId),
  };
};

export const appMeta = (site: Site, app: App): Readonly<Record<string, unknown>> => ({
  id: app.id,
  description: app.description,
  createdDate: app.createdDate,
  modifiedDate: app.modifiedDate,
  published: app.published,
  publishTime: app.publishTime ?? NEVER,
  privileges: READ,
  stream: streamOf(site, app),
  dynamicColor: '',
  hassectionaccess: app.sectionAccess,
  owner: owner(site, app.ownerId),
});
