import { QrsUser } from '#agent/qlik/repository/entities.ts';
import { present } from '../attributes.ts';
import { described, type SiteList } from './site-list.ts';

/** Written before all others: their e-mail addresses belong to every owner. */
export const users: SiteList<QrsUser> = {
  what: 'users',
  kind: 'user',
  entity: 'user',
  schema: QrsUser,
  isNeverEmpty: true,
  rows: (site) => site.users(),
  remember: (user, { people }) => people.add(user),
  recall: (earlier, { people }) => people.recall(earlier.people),
  asset: (user, context) => ({
    name: user.name,
    attributes: present({
      ...described(user, context),
      userId: user.userId,
      userDirectory: user.userDirectory,
      account: `${user.userDirectory}\\${user.userId}`,
      email: user.attributes.email,
      roles: user.roles,
      inactive: user.inactive || undefined,
      removedExternally: user.removedExternally || undefined,
      blacklisted: user.blacklisted || undefined,
    }),
  }),
};
