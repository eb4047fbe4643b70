import { hashOf } from '../model/random.ts';
import type {
  App,
  AppObject,
  CustomPropertyDefinition,
  DataConnection,
  Entity,
  Extension,
  Stream,
  Tag,
  User,
} from '../model/types.ts';
import type { Json, JsonObject } from './answer.ts';
import { type Directory, NEVER } from './directory.ts';

/** The JSON of the repository's entities, spelled as it spells them. `privileges` are null unless asked for. */
const FOUNDED = '2017-05-04T08:00:00.000Z';

const entityShape = (directory: Directory, entity: Entity): JsonObject => ({
  id: entity.id,
  createdDate: entity.createdDate,
  modifiedDate: entity.modifiedDate,
  modifiedByUserName: entity.modifiedByUserName,
  customProperties: directory.customProperties(entity),
  owner: directory.owner(entity.ownerId),
  name: entity.name,
  tags: directory.tags(entity.tagIds),
});

export const appCondensed = (directory: Directory, app: App): JsonObject => ({
  id: app.id,
  name: app.name,
  appId: '',
  publishTime: app.publishTime ?? NEVER,
  published: app.published,
  stream: directory.stream(app.streamId),
  savedInProductVersion: app.savedInProductVersion,
  migrationHash: hashOf(app.savedInProductVersion).toString(16).padStart(8, '0').repeat(5),
  availabilityStatus: 0,
  privileges: null,
});

export const appFull = (directory: Directory, app: App): JsonObject => ({
  ...entityShape(directory, app),
  appId: '',
  sourceAppId: app.sourceAppId,
  targetAppId: app.targetAppId,
  publishTime: app.publishTime ?? NEVER,
  published: app.published,
  description: app.description,
  stream: directory.stream(app.streamId),
  fileSize: app.fileSizeBytes,
  lastReloadTime: app.lastReloadTime ?? NEVER,
  thumbnail: app.thumbnail,
  savedInProductVersion: app.savedInProductVersion,
  migrationHash: hashOf(app.savedInProductVersion).toString(16).padStart(8, '0').repeat(5),
  dynamicColor: '',
  availabilityStatus: 0,
  privileges: null,
  schemaPath: 'App',
});

export interface ObjectOfApp {
  readonly app: App;
  readonly object: AppObject;
}

export const objectCondensed = (_: Directory, { object }: ObjectOfApp): JsonObject => ({
  id: object.id,
  engineObjectType: object.objectType === 'sheet' ? 'sheet' : 'GenericObject',
  objectType: object.objectType,
  publishTime: NEVER,
  published: object.published,
  name: object.name,
  engineObjectId: object.engineObjectId,
  contentHash: object.contentHash,
  privileges: null,
});

export const objectFull = (directory: Directory, { app, object }: ObjectOfApp): JsonObject => ({
  id: object.id,
  createdDate: object.createdDate,
  modifiedDate: object.modifiedDate,
  modifiedByUserName: app.modifiedByUserName,
  owner: directory.owner(object.ownerId),
  tags: [],
  // The repository files what the engine sent under both words; only some types have a class of their own.
  engineObjectType: object.objectType === 'sheet' ? 'sheet' : 'GenericObject',
  description: object.description,
  attributes: '',
  objectType: object.objectType,
  publishTime: object.published ? (app.publishTime ?? object.modifiedDate) : NEVER,
  published: object.published,
  approved: object.approved,
  sourceObject: '',
  draftObject: '',
  name: object.name,
  app: appCondensed(directory, app),
  engineObjectId: object.engineObjectId,
  contentHash: object.contentHash,
  size: object.sizeBytes,
  appObjectBlobId: object.id,
  privileges: null,
  schemaPath: 'App.Object',
});

export const named = (_: Directory, { id, name }: { readonly id: string; readonly name: string }): JsonObject => ({
  id,
  name,
  privileges: null,
});

export const streamFull = (directory: Directory, stream: Stream): JsonObject => ({
  ...entityShape(directory, stream),
  privileges: null,
  schemaPath: 'Stream',
});

const attribute = (user: User, attributeType: string, attributeValue: string): JsonObject => ({
  id: user.id.replace(/^.{8}/, hashOf(`${attributeType}/${user.id}`).toString(16).padStart(8, '0')),
  createdDate: FOUNDED,
  modifiedDate: FOUNDED,
  modifiedByUserName: 'INTERNAL\\sa_repository',
  attributeType,
  attributeValue,
  externalId: user.userId,
  schemaPath: 'UserAttribute',
});

export const userCondensed = (_: Directory, user: User): JsonObject => ({
  id: user.id,
  userId: user.userId,
  userDirectory: user.userDirectory,
  userDirectoryConnectorName: user.userDirectory,
  name: user.name,
  privileges: null,
});

export const userFull = (_: Directory, user: User): JsonObject => ({
  id: user.id,
  createdDate: FOUNDED,
  modifiedDate: FOUNDED,
  modifiedByUserName: 'INTERNAL\\sa_repository',
  customProperties: [],
  userId: user.userId,
  userDirectory: user.userDirectory,
  userDirectoryConnectorName: user.userDirectory,
  name: user.name,
  roles: user.roles,
  // The attribute's name is written in both ways on real sites.
  attributes:
    user.email === null
      ? []
      : [
          attribute(user, hashOf(user.id) % 4 === 0 ? 'email' : 'Email', user.email),
          attribute(user, 'Group', 'BI users'),
        ],
  inactive: user.inactive,
  removedExternally: user.removedExternally,
  blacklisted: false,
  deleteProhibited: user.userDirectory === 'INTERNAL',
  tags: [],
  privileges: null,
  schemaPath: 'User',
});

export const tagFull = (_: Directory, tag: Tag): JsonObject => ({
  id: tag.id,
  createdDate: FOUNDED,
  modifiedDate: FOUNDED,
  modifiedByUserName: 'CORP\\svc_qlik',
  name: tag.name,
  privileges: null,
  schemaPath: 'Tag',
});

export const definitionCondensed = (_: Directory, definition: CustomPropertyDefinition): JsonObject => ({
  id: definition.id,
  name: definition.name,
  valueType: definition.valueType,
  choiceValues: definition.choiceValues,
  privileges: null,
});

export const definitionFull = (_: Directory, definition: CustomPropertyDefinition): JsonObject => ({
  id: definition.id,
  createdDate: FOUNDED,
  modifiedDate: FOUNDED,
  modifiedByUserName: 'CORP\\svc_qlik',
  name: definition.name,
  valueType: definition.valueType,
  choiceValues: definition.choiceValues,
  objectTypes: definition.objectTypes,
  description: definition.description,
  privileges: null,
  schemaPath: 'CustomPropertyDefinition',
});

export const connectionCondensed = (
  _: Directory,
  { id, name, connectionstring, type }: DataConnection,
): JsonObject => ({
  id,
  name,
  connectionstring,
  type,
  privileges: null,
});

export const connectionFull = (directory: Directory, connection: DataConnection): JsonObject => ({
  ...entityShape(directory, connection),
  connectionstring: connection.connectionstring,
  type: connection.type,
  engineObjectId: connection.id.replace(/^.{8}/, hashOf(connection.id).toString(16).padStart(8, '0')),
  username: connection.username,
  password: connection.password,
  logOn: connection.logOn,
  architecture: connection.architecture,
  privileges: null,
  schemaPath: 'DataConnection',
});

export const extensionFull = (directory: Directory, extension: Extension): JsonObject => ({
  ...entityShape(directory, extension),
  whiteList: { id: extension.id, libraryType: 0, privileges: null },
  references: [
    {
      id: extension.id.replace(/^.{8}/, 'aaaaaaaa'),
      logicalPath: `/Extensions/${extension.name}/${extension.name}.qext`,
      externalPath: `/extensions/${encodeURIComponent(extension.name)}/${encodeURIComponent(extension.name)}.qext`,
      objectTypes: 0,
    },
  ] satisfies Json,
  privileges: null,
  schemaPath: 'Extension',
});
