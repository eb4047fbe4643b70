/**
 * The simulator's model of a Qlik Sense site: what exists, independent of how it is asked for. The generator makes it
 * from a seed; the QRS, engine and REST servers answer from it; the truth (what a perfect crawl must find) is counted
 * from it. Times are ISO 8601 in UTC; ids are GUIDs unless said otherwise.
 */
export interface User {
  readonly id: string;
  readonly userId: string;
  readonly userDirectory: string;
  readonly name: string;
  readonly email: string | null;
  readonly roles: readonly string[];
  readonly inactive: boolean;
  readonly removedExternally: boolean;
}

export interface Tag {
  readonly id: string;
  readonly name: string;
}

export interface CustomPropertyDefinition {
  readonly id: string;
  readonly name: string;
  readonly valueType: 'Text';
  readonly choiceValues: readonly string[];
  readonly objectTypes: readonly string[];
  readonly description: string;
}

export interface CustomPropertyValue {
  readonly id: string;
  readonly definitionId: string;
  readonly value: string;
}

/** What QRS keeps for every entity. `ownerId` may name a user that is not in `Site.users` any more (orphaned owner). */
export interface Entity {
  readonly id: string;
  readonly name: string;
  readonly ownerId: string;
  readonly createdDate: string;
  readonly modifiedDate: string;
  readonly modifiedByUserName: string;
  readonly tagIds: readonly string[];
  readonly customProperties: readonly CustomPropertyValue[];
}

export interface Stream extends Entity {}

export interface DataConnection extends Entity {
  readonly connectionstring: string;
  readonly type: string;
  readonly username: string;
  readonly password: string;
  /** 0 service user, 1 current user. */
  readonly logOn: 0 | 1;
  readonly architecture: 0 | 1;
}

interface Triggering {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
}

/** Starts a task at certain times; the words are the repository's own. */
export interface ScheduleTrigger extends Triggering {
  readonly kind: 'schedule';
  /** 0 once, 1 hourly, 2 daily, 3 weekly, 4 monthly, 5 custom. */
  readonly incrementOption: number;
  /** Minutes, hours, days, weeks. */
  readonly incrementDescription: string;
  readonly schemaFilterDescription: readonly string[];
  readonly timeZone: string;
  readonly startDate: string;
  readonly expirationDate: string | null;
}

/** Starts a task when all of these have ended so, within the time after the first of them; 0: whenever. */
export interface TasksTrigger extends Triggering {
  readonly kind: 'after-tasks';
  readonly rules: readonly { readonly taskId: string; readonly after: 'success' | 'fail' }[];
  readonly withinMinutes: number;
}

export type TaskTrigger = ScheduleTrigger | TasksTrigger;

export interface ReloadTask extends Entity {
  readonly appId: string;
  readonly enabled: boolean;
  /** Status codes as QRS has them: 0 never started … 7 finished success, 8 finished fail. */
  readonly lastStatus: number;
  readonly lastStart: string | null;
  readonly lastStop: string | null;
  readonly lastDurationMs: number;
  readonly nextExecution: string | null;
  /** What the scheduler wrote of the last run, oldest first. */
  readonly lastMessages: readonly string[];
  readonly triggers: readonly TaskTrigger[];
}

export interface Extension extends Entity {
  /** What the definition file (`.qext`) in it says. */
  readonly definition: {
    readonly type: string;
    readonly description: string;
    readonly version: string;
    readonly author: string;
  };
}

/** The light part of an app: what QRS lists. Its content is built on demand, so that 5,000 apps stay small. */
export interface App extends Entity {
  readonly description: string;
  /** Null for personal work. */
  readonly streamId: string | null;
  readonly published: boolean;
  readonly publishTime: string | null;
  /** Null: never reloaded; then the content has no tables and no fields. */
  readonly lastReloadTime: string | null;
  readonly fileSizeBytes: number;
  /** `/appcontent/<id>/<file>` or empty. */
  readonly thumbnail: string;
  readonly savedInProductVersion: string;
  readonly sourceAppId: string | null;
  readonly targetAppId: string | null;
  readonly sectionAccess: boolean;
  /**
   * With section access: who may open the app, each `DIRECTORY\\user` in upper case. Everyone else is refused, administrators
   * too. Null: no section access. Ask with `isAdmitted`.
   */
  readonly admitted: readonly string[] | null;
  /** The crawl user may not see the script: both script calls answer an empty text, no error. Made by mutation only. */
  readonly scriptHidden: boolean;
  readonly directQuery: boolean;
}

/** Who asks. Directory and id compare without case. */
export interface UserName {
  readonly directory: string;
  readonly id: string;
}

/** Anything with an engine id (`qId`: 32 hex digits, a GUID, or a short name such as `mFQcPp`, as on real sites). */
export interface EngineObject {
  readonly qId: string;
  readonly qType: string;
  /** The repository's id of the same object, when it is persisted as an App.Object of its own; children are not. */
  readonly repositoryId: string | null;
  /** The properties as `GetProperties` answers them, `qInfo` included; whatever an expression is in there is in clear. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly children: readonly EngineObject[];
  /** Of a master measure: ids of other ones that its expression names by their labels. */
  readonly names?: readonly string[];
  readonly ownerId: string;
  readonly approved: boolean;
  readonly published: boolean;
  readonly createdDate: string;
  readonly modifiedDate: string;
}

export interface Variable {
  readonly qId: string;
  readonly name: string;
  readonly definition: string;
  readonly comment: string;
  readonly isScriptCreated: boolean;
  readonly isReserved: boolean;
  readonly isConfig: boolean;
  readonly tags: readonly string[];
  /** Value after the last reload. */
  readonly value: string;
}

export interface Table {
  readonly name: string;
  readonly rows: number;
  readonly byteSize: number;
  readonly isSystem: boolean;
  readonly isSemantic: boolean;
  readonly isLoose: boolean;
  readonly comment: string;
  readonly fieldNames: readonly string[];
}

export interface Field {
  readonly name: string;
  readonly srcTables: readonly string[];
  readonly cardinal: number;
  readonly totalCount: number;
  readonly byteSize: number;
  readonly isSystem: boolean;
  readonly isHidden: boolean;
  readonly isSemantic: boolean;
  readonly isNumeric: boolean;
  readonly isLocked: boolean;
  readonly comment: string;
  readonly tags: readonly string[];
}

export interface LineageRow {
  readonly discriminator: string;
  readonly statement: string;
}

/** What a script reads or writes, by the names that the site has for it: `lineageTruth` says where that is. */
export type ScriptSource =
  | {
      readonly type: 'file';
      /** Name of the data connection. */
      readonly library: string;
      readonly names: readonly string[];
      /** The sheet, or whatever the format calls a table in a file. */
      readonly table?: string | undefined;
    }
  | { readonly type: 'object'; readonly connection: string; readonly object: string }
  /** Another app, as BINARY names it. */
  | { readonly type: 'app'; readonly path: string }
  /** Of the script itself, such as an inline table. */
  | { readonly type: 'own'; readonly text: string };

export interface FieldOrigin {
  readonly source: ScriptSource;
  readonly column: string;
  readonly role: 'value' | 'map-key';
}

export interface DerivedField {
  readonly name: string;
  readonly origins: readonly FieldOrigin[];
}

/** What the last reload made of what: known from the plan that the script was written by, never read from the script. */
export interface Provenance {
  /** Of the app after the reload, each name once; without what the engine derives by itself. */
  readonly fields: readonly DerivedField[];
  readonly stores: readonly {
    readonly target: ScriptSource;
    /** Of one that is another file each month: where all of them are. */
    readonly monthly?: ScriptSource;
    readonly columns: readonly DerivedField[];
  }[];
  /** Everything that the tables of the data model were read from. */
  readonly reads: readonly ScriptSource[];
  /** Scripts that the script includes, by path. */
  readonly includes: readonly { readonly path: string; readonly text: string }[];
}

/** What the repository keeps of an object that is persisted on its own (`App.Object`); charts inside sheets have none. */
export interface AppObject {
  /** The repository's id; links and engine calls use `engineObjectId`. */
  readonly id: string;
  readonly engineObjectId: string;
  /** `sheet`, `story`, `masterobject`, `dimension`, `measure`, `bookmark`, `appprops`, `LoadModel`, … */
  readonly objectType: string;
  readonly name: string;
  readonly description: string;
  readonly ownerId: string;
  readonly approved: boolean;
  readonly published: boolean;
  readonly createdDate: string;
  readonly modifiedDate: string;
  readonly sizeBytes: number;
  /** Changes whenever the object does. */
  readonly contentHash: string;
}

/** All that is inside an app. */
export interface AppContent {
  readonly script: string;
  readonly sheets: readonly EngineObject[];
  readonly stories: readonly EngineObject[];
  readonly masterDimensions: readonly EngineObject[];
  readonly masterMeasures: readonly EngineObject[];
  /** qType `masterobject`. */
  readonly masterVisualizations: readonly EngineObject[];
  readonly bookmarks: readonly EngineObject[];
  /** `LoadModel`, `appprops` and other objects that every real app has and no catalog wants. */
  readonly others: readonly EngineObject[];
  readonly variables: readonly Variable[];
  readonly tables: readonly Table[];
  readonly fields: readonly Field[];
  readonly lineage: readonly LineageRow[];
  readonly provenance: Provenance;
}

export interface Site {
  readonly seed: number;
  /** The account that the generated security rules have in mind for a crawl; it exists in `users`. */
  readonly crawlUser: UserName;
  /** Shown in `/qrs/about` and `EngineVersion`; set by the profile. */
  readonly nodeId: string;
  readonly users: readonly User[];
  readonly streams: readonly Stream[];
  readonly tags: readonly Tag[];
  readonly customPropertyDefinitions: readonly CustomPropertyDefinition[];
  readonly dataConnections: readonly DataConnection[];
  readonly reloadTasks: readonly ReloadTask[];
  readonly extensions: readonly Extension[];
  readonly apps: readonly App[];
  /** The app of that id, if there is one. Constant time; a mutated site answers with its present state. */
  app(appId: string): App | undefined;
  /** Deterministic and cached (bounded); the same app id gives an equal content every time. */
  content(appId: string): AppContent;
  /** The app's persisted objects as the repository lists them: cheap, and without building the content. */
  objects(appId: string): readonly AppObject[];
  /** Another number after each change of a site that changes. */
  readonly revision?: number;
}

/** What a perfect crawl finds, by the catalog's asset kinds (`site`, `stream`, `app`, …): name → number. */
export type Truth = Readonly<Record<string, number>>;
