import { type ProfileName, profileOf } from '../profiles.ts';
import { customValues, generateApps } from './apps.ts';
import { generateConnections } from './connections.ts';
import { generateContent } from './content.ts';
import { oddly, STREAM_NAMES } from './names.ts';
import { objectsOf } from './objects.ts';
import { CRAWL_USER, generateUsers } from './people.ts';
import { between, daysAgo, randomOf, TODAY } from './random.ts';
import { triggersOf } from './triggers.ts';
import type {
  App,
  AppContent,
  CustomPropertyDefinition,
  Entity,
  Extension,
  ReloadTask,
  Site,
  Stream,
  Tag,
  User,
} from './types.ts';

export interface SiteOptions {
  readonly seed: number;
  /** How many apps; the other lists grow with it. */
  readonly apps: number;
  /** The release that most apps were saved with; default May 2025. */
  readonly profile?: ProfileName;
  /** How many apps' contents are kept at most (least recently used goes first); default 48. */
  readonly cachedContents?: number;
}

const TAG_NAMES = [
  'finance',
  'certified',
  'deprecated',
  'GDPR',
  'personal data',
  'test; do not use',
  'ready/for review',
  'qualität',
  '⭐ top',
];

const generateTags = (seed: number, apps: number): readonly Tag[] =>
  Array.from({ length: TAG_NAMES.length + Math.min(60, Math.floor(apps / 40)) }, (_, index) => ({
    id: randomOf(seed, 'tag', index).guid(),
    name: TAG_NAMES[index] ?? `tag ${index}`,
  }));

const DEFINITIONS: readonly Pick<CustomPropertyDefinition, 'name' | 'choiceValues' | 'objectTypes' | 'description'>[] =
  [
    {
      name: 'Department',
      choiceValues: ['Finance', 'Sales', 'IT', "R&D's; lab"],
      objectTypes: ['App', 'Stream', 'User'],
      description: '',
    },
    {
      name: 'Confidentiality',
      choiceValues: ['public', 'internal', 'streng vertraulich'],
      objectTypes: ['App', 'Stream', 'DataConnection'],
      description: 'Who may see it',
    },
    {
      name: 'Lifecycle',
      choiceValues: ['draft', 'live', 'retired'],
      objectTypes: ['App', 'ReloadTask'],
      description: '',
    },
    {
      name: 'CostCentre',
      choiceValues: ['4711', '0815', '1000/20'],
      objectTypes: ['App'],
      description: 'Charged for the reload',
    },
    { name: 'unused', choiceValues: [], objectTypes: ['Stream'], description: 'Nobody ever set it' },
  ];

const generateDefinitions = (seed: number): readonly CustomPropertyDefinition[] =>
  DEFINITIONS.map((definition, index) => ({
    id: randomOf(seed, 'property', index).guid(),
    valueType: 'Text',
    ...definition,
  }));

const entityOf = (
  seed: number,
  kind: string,
  index: number,
  name: string,
  users: readonly User[],
  tags: readonly Tag[],
): Entity => {
  const random = randomOf(seed, kind, index);
  const id = random.guid();
  const createdDate = daysAgo(random, 2600, 60);
  return {
    id,
    name,
    ownerId: random.chance(0.03) ? random.guid() : random.pick(users.slice(5)).id,
    createdDate,
    modifiedDate: between(random, createdDate, daysAgo(random, 59, 0.5)),
    modifiedByUserName: random.chance(0.7) ? 'CORP\\svc_qlik' : 'INTERNAL\\sa_repository',
    tagIds: random.chance(0.15) ? random.sample(tags, 2).map((tag) => tag.id) : [],
    customProperties: [],
  };
};

const generateStreams = (
  seed: number,
  apps: number,
  users: readonly User[],
  tags: readonly Tag[],
  definitions: readonly CustomPropertyDefinition[],
): readonly Stream[] => {
  const count = Math.max(6, Math.min(150, Math.ceil(apps / 20)));
  return Array.from({ length: count }, (_, index) => {
    const random = randomOf(seed, 'stream-name', index);
    const plain = STREAM_NAMES[index - 2] ?? `${random.pick(STREAM_NAMES)} ${index}`;
    const name = index === 0 ? 'Everyone' : index === 1 ? 'Monitoring apps' : oddly(random, plain, 0.08);
    return {
      ...entityOf(seed, 'stream', index, name, users, tags),
      customProperties: customValues(random, definitions, 'Stream', 0.3),
    };
  });
};

const EXTENSION_NAMES = [
  'qlik-smart-kpi',
  'vizlib-table',
  'acme-gantt',
  'network-chart',
  'd3-sankey ("beta")',
  'qlik-share-button',
];

const generateExtensions = (seed: number, users: readonly User[], tags: readonly Tag[]): readonly Extension[] =>
  EXTENSION_NAMES.map((name, index) => ({
    ...entityOf(seed, 'extension', index, name, users, tags),
    definition: {
      type: name === 'qlik-share-button' ? 'mashup' : 'visualization',
      description: index % 3 === 0 ? '' : `Shows data as ${name}`,
      version: `${1 + (index % 4)}.${index}.0`,
      author: index === 4 ? '' : 'ACME "Data" GmbH; Köln',
    },
  }));

const MINUTE_MS = 60_000;

const messagesOf = ({ lastStatus }: Pick<ReloadTask, 'lastStatus'>): readonly string[] =>
  lastStatus === 0
    ? []
    : [
        'Trying to start task. Sending task to node qlikserver.corp.example.',
        'Changing task state to Started',
        ...(lastStatus === 8
          ? ['Reload failed. Error: Connector connect error: password=canary-task-log; login failed']
          : []),
        ...(lastStatus === 7 || lastStatus === 8
          ? [`Changing task state from Started to Finished${lastStatus === 7 ? 'Success' : 'Fail'}`]
          : []),
      ];

const generateTasks = (
  seed: number,
  apps: readonly App[],
  users: readonly User[],
  tags: readonly Tag[],
  definitions: readonly CustomPropertyDefinition[],
): readonly ReloadTask[] => {
  const tasks: ReloadTask[] = [];
  const ofApp = (app: App, index: number): readonly Omit<ReloadTask, 'triggers' | 'lastMessages'>[] => {
    const random = randomOf(seed, 'task-of', app.id);
    if (index > 0 && !random.chance(0.6)) return [];
    return Array.from(
      { length: random.chance(0.1) ? 2 : 1 },
      (_, nth): Omit<ReloadTask, 'triggers' | 'lastMessages'> => {
        const lastStart = app.lastReloadTime;
        const lastDurationMs = lastStart === null ? 0 : Math.round(random.logNormal(90_000, 1));
        const stop = lastStart === null ? null : Date.parse(lastStart) + lastDurationMs;
        return {
          ...entityOf(
            seed,
            `task-${index}`,
            nth,
            oddly(random, `Reload of ${app.name.slice(0, 120)}`, 0.03),
            users,
            tags,
          ),
          customProperties: customValues(random, definitions, 'ReloadTask', 0.2),
          appId: app.id,
          enabled: random.chance(0.85),
          lastStatus: lastStart === null ? 0 : Number(random.weighted({ 7: 85, 8: 10, 6: 2, 11: 1, 2: 2 })),
          lastStart,
          lastStop: stop === null ? null : new Date(stop).toISOString(),
          lastDurationMs,
          nextExecution: random.chance(0.7) ? new Date(TODAY + random.int(10, 20_000) * MINUTE_MS).toISOString() : null,
        };
      },
    );
  };
  for (const [index, app] of apps.entries()) {
    for (const task of ofApp(app, index)) {
      tasks.push({ ...task, lastMessages: messagesOf(task), triggers: triggersOf(seed, task, tasks.slice(-20)) });
    }
  }
  return tasks;
};

/** Keeps the `limit` values asked for last. */
const bounded = <T>(limit: number, make: (key: string) => T): ((key: string) => T) => {
  const kept = new Map<string, T>();
  return (key) => {
    const known = kept.get(key);
    const value = known ?? make(key);
    kept.delete(key);
    kept.set(key, value);
    if (kept.size > limit) {
      const [oldest] = kept.keys();
      if (oldest !== undefined) kept.delete(oldest);
    }
    return value;
  };
};

/**
 * A whole Qlik site from a seed. The same options give an equal site on every machine. The lists are built at once and
 * stay small (about 2 KB an app); what is inside an app is built when it is asked for and kept only while it is in use.
 * Throws RangeError when a content is asked for an app that does not exist.
 */
export const generateSite = ({ seed, apps: count, profile, cachedContents = 48 }: SiteOptions): Site => {
  const users = generateUsers(seed, count);
  const tags = generateTags(seed, count);
  const definitions = generateDefinitions(seed);
  const streams = generateStreams(seed, count, users, tags, definitions);
  const { productVersion } = profileOf(profile);
  const apps = generateApps(seed, count, { users, streams, tags, customProperties: definitions, productVersion });
  const { connections, roles } = generateConnections(seed, count, {
    ownerIds: users.slice(5).map((user) => user.id),
    tagIds: tags.map((tag) => tag.id),
  });
  const extensions = generateExtensions(seed, users, tags);
  const byId = new Map(apps.map((app) => [app.id, app]));
  const world = { seed, users, apps, connections: roles };
  const known = (appId: string): App => {
    const app = byId.get(appId);
    if (app === undefined) throw new RangeError(`no app ${appId} on this site`);
    return app;
  };
  const content = bounded<AppContent>(cachedContents, (appId) => generateContent(world, known(appId)));
  return {
    seed,
    crawlUser: CRAWL_USER,
    nodeId: randomOf(seed, 'node').guid(),
    users,
    streams,
    tags,
    customPropertyDefinitions: definitions,
    dataConnections: connections,
    reloadTasks: generateTasks(seed, apps, users, tags, definitions),
    extensions,
    apps,
    app: (appId) => byId.get(appId),
    content,
    objects: (appId) => objectsOf(world, known(appId)),
  };
};
