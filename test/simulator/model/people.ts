import { FIRST_NAMES, LAST_NAMES } from './names.ts';
import { randomOf } from './random.ts';
import type { User, UserName } from './types.ts';

/** The account that the generated section access tables and rules have in mind. */
export const CRAWL_USER: UserName = { directory: 'CORP', id: 'svc_catalog' };

const userOf = (random: { guid(): string }, directory: string, id: string, rest: Partial<User> = {}): User => ({
  id: random.guid(),
  userId: id,
  userDirectory: directory,
  name: id,
  email: null,
  roles: [],
  inactive: false,
  removedExternally: false,
  ...rest,
});

/** Service accounts, the crawl user, and people by the number of apps; some left, some never had an e-mail address. */
export const generateUsers = (seed: number, apps: number): readonly User[] => {
  const first = randomOf(seed, 'users');
  const users: User[] = [
    ...['sa_repository', 'sa_api', 'sa_engine', 'sa_scheduler', 'sa_proxy'].map((id) => userOf(first, 'INTERNAL', id)),
    userOf(first, CRAWL_USER.directory, CRAWL_USER.id, { name: 'Catalog crawl', roles: ['CatalogReader'] }),
    userOf(first, 'CORP', 'svc_qlik', { name: 'Qlik service', roles: ['RootAdmin'] }),
    userOf(first, 'CORP', "o'brien; test", { name: `Pat "Paddy" O'Brien; test`, email: 'pat.obrien@corp.example' }),
    userOf(first, 'CORP', 'jürgen.müller', { name: 'Jürgen Müller', email: 'jürgen.müller@corp.example' }),
    userOf(first, 'EXTERN', 'مستخدم', { name: 'مستخدم خارجي' }),
  ];
  const people = Math.max(10, Math.min(3000, Math.floor(apps / 3)));
  for (let index = 0; index < people; index += 1) {
    const random = randomOf(seed, 'user', index);
    const given = random.pick(FIRST_NAMES);
    const family = random.pick(LAST_NAMES);
    const id = `${given}.${family}`.toLowerCase().replaceAll(' ', '_');
    users.push(
      userOf(random, random.chance(0.92) ? 'CORP' : 'EXTERN', `${id}${index}`, {
        name: `${given} ${family}`,
        email: random.chance(0.85) ? `${id}${index}@corp.example` : null,
        roles: random.chance(0.05) ? ['ContentAdmin'] : [],
        inactive: random.chance(0.04),
        removedExternally: random.chance(0.06),
      }),
    );
  }
  return users;
};

/**
 * Whom QRS still names as the owner of things after the user was deleted: an id that no row of the user list has. The
 * names come from the id alone, so that every answer agrees.
 */
export const removedUser = (ownerId: string): { id: string; userId: string; userDirectory: string; name: string } => ({
  id: ownerId,
  userId: `removed.${ownerId.slice(0, 6)}`,
  userDirectory: 'CORP',
  name: `Removed ${ownerId.slice(0, 6)}`,
});
