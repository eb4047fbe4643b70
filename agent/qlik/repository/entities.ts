import { z } from 'zod';
import { Amount, Flag, Text, Texts } from '../lenient.ts';
import { connectionTarget } from './connection-string.ts';

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
  /** A number on the wire of most releases; what each means is written nowhere. */
  availabilityStatus: z
    .unknown()
    .transform((status) => (typeof status === 'number' || typeof status === 'string' ? status : undefined)),
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

/** Connection string, user name and password do not even reach the crawl: only what is known to be harmless in them. */
export const QrsDataConnection = OwnedEntity.extend({
  type: Text,
  logOn: Amount,
  architecture: Amount,
  connectionstring: Text,
}).transform(({ connectionstring, ...row }) => ({ ...row, target: connectionTarget(connectionstring, row.type) }));
export type QrsDataConnection = z.infer<typeof QrsDataConnection>;

export const QrsReloadTask = Entity.extend({
  app: Named.nullish().transform((app) => app ?? null),
  enabled: Flag,
  isPartialReload: Flag,
  taskSessionTimeout: Amount,
  maxRetries: Amount,
  tags: Tags,
  customProperties: CustomProperties,
  operational: z
    .object({
      lastExecutionResult: z
        .object({
          status: Amount,
          startTime: Time,
          stopTime: Time,
          duration: Amount,
          executingNodeName: Text,
          details: z
            .array(z.object({ message: Text, detailCreatedDate: Text }))
            .nullish()
            .transform((details) => details ?? []),
        })
        .nullish()
        .transform((result) => result ?? null),
      nextExecution: Time,
    })
    .nullish()
    .transform((operational) => operational ?? null),
});
export type QrsReloadTask = z.infer<typeof QrsReloadTask>;

const TaskOfEvent = Named.nullish().transform((task) => task ?? null);

/** Starts a task at certain times. */
export const QrsSchemaEvent = Entity.extend({
  enabled: Flag,
  reloadTask: TaskOfEvent,
  timeZone: Text,
  startDate: Time,
  expirationDate: Time,
  schemaFilterDescription: Texts,
  incrementDescription: Text,
  incrementOption: Amount,
  operational: z
    .object({ nextExecution: Time })
    .nullish()
    .transform((operational) => operational ?? null),
});
export type QrsSchemaEvent = z.infer<typeof QrsSchemaEvent>;

/** Starts a task when others have ended. */
export const QrsCompositeEvent = Entity.extend({
  enabled: Flag,
  reloadTask: TaskOfEvent,
  timeConstraint: z
    .object({ seconds: Amount, minutes: Amount, hours: Amount, days: Amount })
    .nullish()
    .transform((constraint) => constraint ?? null),
  compositeRules: z
    .array(
      z.object({
        ruleState: Amount,
        reloadTask: TaskOfEvent,
        userSyncTask: TaskOfEvent,
        externalProgramTask: TaskOfEvent,
      }),
    )
    .nullish()
    .transform((rules) => rules ?? []),
});
export type QrsCompositeEvent = z.infer<typeof QrsCompositeEvent>;

export const QrsExtension = OwnedEntity;
export type QrsExtension = z.infer<typeof QrsExtension>;

/** What the definition files of extensions say, by the name of the extension: `/qrs/extension/schema`. */
export const QrsExtensionSchemas = z.record(
  z.string(),
  z
    .object({ type: Text, description: Text, version: Text, author: Text })
    .catch({ type: '', description: '', version: '', author: '' }),
);
export type QrsExtensionSchemas = z.infer<typeof QrsExtensionSchemas>;

export const QrsAppObject = z.object({ id: Id, engineObjectId: Text, objectType: Text });
export type QrsAppObject = z.infer<typeof QrsAppObject>;

/** An object of an app with all that the repository knows of it: neither properties nor children. */
export const QrsDescribedObject = QrsAppObject.extend({
  name: Text,
  description: Text,
  owner: Owner,
  tags: Tags,
  approved: Flag,
  published: Flag,
  publishTime: Time,
  createdDate: Time,
  modifiedDate: Time,
});
export type QrsDescribedObject = z.infer<typeof QrsDescribedObject>;
