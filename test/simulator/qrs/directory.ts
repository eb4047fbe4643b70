import { removedUser } from '../model/people.ts';
import type { CustomPropertyDefinition, Entity, Site, Stream, Tag, User, UserName } from '../model/types.ts';
import type { Json, JsonObject } from './answer.ts';

/** How the repository writes "never". */
export const NEVER = '1753-01-01T00:00:00.000Z';
export const NO_GUID = '00000000-0000-0000-0000-000000000000';

/** Looks up by id what entities refer to, and writes it in the condensed form that full entities carry. */
export class Directory {
  readonly #users: ReadonlyMap<string, User>;
  readonly #streams: ReadonlyMap<string, Stream>;
  readonly #tags: ReadonlyMap<string, Tag>;
  readonly #definitions: ReadonlyMap<string, CustomPropertyDefinition>;

  constructor(site: Site) {
    const byId = <T extends { readonly id: string }>(list: readonly T[]): ReadonlyMap<string, T> =>
      new Map(list.map((entry) => [entry.id, entry]));
    this.#users = byId(site.users);
    this.#streams = byId(site.streams);
    this.#tags = byId(site.tags);
    this.#definitions = byId(site.customPropertyDefinitions);
  }

  /** An owner who was deleted is still named, by an id that the user list lacks. */
  owner(ownerId: string): JsonObject {
    const { id, userId, userDirectory, name } = this.#users.get(ownerId) ?? removedUser(ownerId);
    return { id, userId, userDirectory, userDirectoryConnectorName: userDirectory, name, privileges: null };
  }

  stream(streamId: string | null): Json {
    const stream = streamId === null ? undefined : this.#streams.get(streamId);
    return stream === undefined ? null : { id: stream.id, name: stream.name, privileges: null };
  }

  tags(tagIds: readonly string[]): Json {
    return tagIds.flatMap((tagId) => {
      const tag = this.#tags.get(tagId);
      return tag === undefined ? [] : [{ id: tag.id, name: tag.name, privileges: null }];
    });
  }

  customProperties({ customProperties, createdDate, modifiedDate, modifiedByUserName }: Entity): Json {
    return customProperties.flatMap(({ id, definitionId, value }) => {
      const definition = this.#definitions.get(definitionId);
      if (definition === undefined) return [];
      return [
        {
          id,
          createdDate,
          modifiedDate,
          modifiedByUserName,
          value,
          definition: {
            id: definition.id,
            name: definition.name,
            valueType: definition.valueType,
            choiceValues: definition.choiceValues,
            privileges: null,
          },
          schemaPath: 'CustomPropertyValue',
        },
      ];
    });
  }

  /** The user of that name; names compare without case. */
  user({ directory, id }: UserName): User | undefined {
    for (const user of this.#users.values()) {
      if (
        user.userId.toLowerCase() === id.toLowerCase() &&
        user.userDirectory.toLowerCase() === directory.toLowerCase()
      ) {
        return user;
      }
    }
    return undefined;
  }
}

const directories = new WeakMap<Site, Directory>();

/** One directory a site: users, streams, tags and definitions do not change while it is served. */
export const directoryOf = (site: Site): Directory => {
  const known = directories.get(site) ?? new Directory(site);
  directories.set(site, known);
  return known;
};
