import { accessName } from './access.ts';
import { description, documentName, ODD_NAMES } from './names.ts';
import { CRAWL_USER } from './people.ts';
import { between, daysAgo, type Random, randomOf } from './random.ts';
import { SUBJECTS } from './subjects.ts';
import type { App, CustomPropertyDefinition, CustomPropertyValue, Stream, Tag, User } from './types.ts';

export interface AppContext {
  readonly users: readonly User[];
  readonly streams: readonly Stream[];
  readonly tags: readonly Tag[];
  readonly customProperties: readonly CustomPropertyDefinition[];
  readonly productVersion: string;
}

/** Peculiarities that small sites must show too: the first apps have them one by one, later ones by chance. */
interface Traits {
  readonly neverReloaded: boolean;
  readonly access: 'none' | 'admitted' | 'denied';
  readonly orphaned: boolean;
  readonly personal: boolean;
  readonly directQuery: boolean;
  readonly oddName: boolean;
}

const traitsOf = (random: Random, index: number): Traits => {
  const access = random.weighted({ none: 94, admitted: 3, denied: 3 });
  const traits = {
    neverReloaded: random.chance(0.04),
    access,
    orphaned: random.chance(0.03),
    personal: random.chance(0.35),
    directQuery: random.chance(0.01),
    oddName: random.chance(0.05),
  };
  switch (index) {
    case 1:
      return { ...traits, personal: true, access: 'none' };
    case 2:
      return { ...traits, neverReloaded: true, access: 'none' };
    case 3:
      return { ...traits, access: 'denied', personal: false };
    case 4:
      return { ...traits, access: 'admitted' };
    case 5:
      return { ...traits, orphaned: true };
    case 6:
      return { ...traits, oddName: true };
    case 0:
      return { ...traits, personal: false, access: 'none', neverReloaded: false };
    default:
      return traits;
  }
};

export const customValues = (
  random: Random,
  definitions: readonly CustomPropertyDefinition[],
  objectType: string,
  probability: number,
): CustomPropertyValue[] =>
  definitions
    .filter((definition) => definition.objectTypes.includes(objectType) && random.chance(probability))
    .flatMap((definition) =>
      random
        .sample(definition.choiceValues, random.chance(0.2) ? 2 : 1)
        .map((value) => ({ id: random.guid(), definitionId: definition.id, value })),
    );

const admittedBy = (random: Random, users: readonly User[], withCrawler: boolean): readonly string[] => [
  ...(withCrawler ? [accessName(CRAWL_USER)] : []),
  ...random
    .sample(users.slice(6), random.int(1, 5))
    .map(({ userDirectory, userId }) => accessName({ directory: userDirectory, id: userId })),
];

const APP_VERSIONS = ['12.26.1', '13.9.1', '13.51.0', '14.20.5'] as const;

const generateApp = (seed: number, index: number, context: AppContext): App => {
  const random = randomOf(seed, 'app', index);
  const { users, streams, tags, customProperties } = context;
  const id = random.guid();
  const traits = traitsOf(random, index);
  const subject = random.pick(SUBJECTS);
  const name = traits.oddName ? (ODD_NAMES[index % ODD_NAMES.length] ?? 'Sales') : documentName(random, subject.name);
  const createdDate = daysAgo(random, 2400, 30);
  const modifiedDate = between(random, createdDate, daysAgo(random, 29, 0.1));
  const published = !traits.personal;
  const access = traits.neverReloaded ? 'none' : traits.access;
  return {
    id,
    name,
    ownerId: traits.orphaned ? random.guid() : random.pick(users.slice(5)).id,
    createdDate,
    modifiedDate,
    modifiedByUserName: random.chance(0.6) ? 'INTERNAL\\sa_scheduler' : 'CORP\\svc_qlik',
    tagIds: random.chance(0.2) ? random.sample(tags, random.int(1, 3)).map((tag) => tag.id) : [],
    customProperties: customValues(random, customProperties, 'App', 0.25),
    description: description(random, 0.4),
    streamId: published ? random.pick(streams).id : null,
    published,
    publishTime: published ? between(random, createdDate, modifiedDate) : null,
    lastReloadTime: traits.neverReloaded ? null : between(random, createdDate, modifiedDate),
    fileSizeBytes: traits.neverReloaded
      ? random.int(90_000, 900_000)
      : Math.max(150_000, Math.round(random.logNormal(40 * 1024 * 1024, 1.3))),
    thumbnail: random.chance(0.3) ? `/appcontent/${id}/${random.pick(['cover', 'thumb 1', 'Bild-ä'])}.png` : '',
    savedInProductVersion: random.chance(0.3) ? random.pick(APP_VERSIONS) : context.productVersion,
    sourceAppId: published && random.chance(0.8) ? random.guid() : null,
    targetAppId: null,
    sectionAccess: access !== 'none',
    admitted: access === 'none' ? null : admittedBy(random, users, access === 'admitted'),
    scriptHidden: false,
    directQuery: traits.directQuery && !traits.neverReloaded,
  };
};

/** The light part of all apps. About one in twenty bears the name of another, as copies do. */
export const generateApps = (seed: number, count: number, context: AppContext): readonly App[] => {
  const apps: App[] = [];
  for (let index = 0; index < count; index += 1) {
    const app = generateApp(seed, index, context);
    const twin = index > 10 && index % 19 === 0 ? apps[index - 7] : undefined;
    apps.push(twin === undefined ? app : { ...app, name: twin.name });
  }
  return apps;
};
