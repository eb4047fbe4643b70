import { z } from 'zod';
import { Amount, Flag, Text, Texts } from '../lenient.ts';

/**
 * The rows of QRS, as much of them as a catalog wants. Unknown keys are dropped.
 */

/** QRS writes "never" as 1 January 1753, the first day of SQL Server's calendar. */
const Time = z
  .string()
  .nullish()
  .transform((text) => (text === undefined || text === null || text === '' || text.startsWith('1753-') ? null : text));
const Id = z.string().min(1);

const Owner = z
  .object({ id: Id, userId: Text, userDirectory: Text, name: Text })
  .nullish()
  .transform((owner) => owner ?? null);
export type Owner = NonNullable<z.infer<typeof Owner>>;

const Named = z.object({ id: Id, name: Text });
const Tags = z
  .array(Named)
  .nullish()
  .transform((tags) => (tags ?? []).map((tag) => tag.name));
const CustomProperties = z
  .array(z.object({ value: Text, definition: Named.nullish() }))
  .nullish()
  .transform((values) => (values ?? []).map(({ value, definition }) => ({ name: definition?.name ?? '', value })));

const Entity = z.object({
  id: Id,
  name: Text,
  createdDate: Time,
  modifiedDate: Time,
  modifiedByUserName: Text,
});
const OwnedEntity = Entity.extend({ owner: Owner, tags: Tags, customProperties: CustomProperties });

export const QrsAbout = z.object({
  buildVersion: Text,
  buildDate: Text,
  nodeType: z.union([z.string(), z.number()]).nullish(),
});
export type QrsAbout = z.infer<typeof QrsAbout>;

export const QrsApp = OwnedEntity.extend({
  description: Text,
  publishTime: Time,
  published: Flag,
  stream: Named.nullish().transform((stream) => stream ?? null),
  fileSize: Amount,
  lastReloadTime: Time,
  thumbnail: Text,
  savedInProductVersion: Text,
  sourceAppId: Text,
  targetAppId: Text,
});
export type QrsApp = z.infer<typeof QrsApp>;

export const QrsStream = OwnedEntity;
export type QrsStream = z.infer<typeof QrsStream>;

export const QrsUser = z.object({
  id: Id,
  userId: Text,
  userDirectory: Text,
  name: Text,
  roles: Texts,
  attributes: z
    .array(z.object({ attributeType: Text, attributeValue: Text }))
    .nullish()
    // The type's case differs between directories.
    .transform((all) => ({
      email: all?.find(({ attributeType }) => /^e-?mail$/i.test(attributeType))?.attributeValue,
    })),
  inactive: Flag,
  removedExternally: Flag,
  blacklisted: Flag,
  createdDate: Time,
  modifiedDate: Time,
  tags: Tags,
  customProperties: CustomProperties,
});
export type QrsUser = z.infer<typeof QrsUser>;

export const QrsTag = Entity;
export type QrsTag = z.infer<typeof QrsTag>;

export const QrsCustomProperty = Entity.extend({
  valueType: Text,
  choiceValues: Texts,
  objectTypes: Texts,
  description: Text,
});
export type QrsCustomProperty = z.infer<typeof QrsCustomProperty>;

/** Without connection string, user name and password: they do not even reach the crawl. */
export const QrsDataConnection = OwnedEntity.extend({ type: Text, logOn: Amount, architecture: Amount });
export type QrsDataConnection = z.infer<typeof QrsDataConnection>;

export const QrsReloadTask = Entity.extend({
  app: Named.nullish().transform((app) => app ?? null),
  enabled: Flag,
  tags: Tags,
  customProperties: CustomProperties,
  operational: z
    .object({
      lastExecutionResult: z
        .object({ status: Amount, startTime: Time, stopTime: Time, duration: Amount })
        .nullish()
        .transform((result) => result ?? null),
      nextExecution: Time,
    })
    .nullish()
    .transform((operational) => operational ?? null),
});
export type QrsReloadTask = z.infer<typeof QrsReloadTask>;

export const QrsExtension = OwnedEntity;
export type QrsExtension = z.infer<typeof QrsExtension>;

export const QrsAppObject = z.object({ id: Id, engineObjectId: Text, objectType: Text });
export type QrsAppObject = z.infer<typeof QrsAppObject>;
