/** What the repository tells about the licence and who holds a part of it. */

import { hashOf } from '../model/random.ts';
import type { Site, User } from '../model/types.ts';
import type { JsonObject } from './answer.ts';
import { type Directory, NEVER } from './directory.ts';
import { userCondensed } from './shapes.ts';

type Kind = 'ProfessionalAccessType' | 'AnalyzerAccessType';

const BOUGHT: Readonly<Record<Kind, number>> = { ProfessionalAccessType: 500, AnalyzerAccessType: 5_000 };

/** People with a role develop and have professional access; everybody else may read. Service accounts need none. */
const holdersOf = (site: Site, kind: Kind): readonly User[] =>
  site.users.filter(
    (user) => user.userDirectory !== 'INTERNAL' && user.roles.length > 0 === (kind === 'ProfessionalAccessType'),
  );

/** The allocations of one kind, a row a user. */
export const allocationsOf = (site: Site, directory: Directory, kind: Kind): readonly JsonObject[] =>
  holdersOf(site, kind).map((user) => ({
    id: user.id.replace(/^.{8}/, hashOf(`${kind}/${user.id}`).toString(16).padStart(8, '0')),
    createdDate: '2019-03-01T08:00:00.000Z',
    modifiedDate: '2024-01-15T10:00:00.000Z',
    modifiedByUserName: 'INTERNAL\\sa_repository',
    deletedUserId: '',
    deletedUserDirectory: '',
    lastUsed: user.inactive ? NEVER : '2026-01-15T10:00:00.000Z',
    excess: false,
    quarantined: false,
    quarantineEnd: NEVER,
    user: userCondensed(directory, user),
    privileges: null,
    schemaPath: `License.${kind}`,
  }));

const summary = (site: Site, kind: Kind): JsonObject => {
  const allocated = holdersOf(site, kind).length;
  return {
    enabled: true,
    total: BOUGHT[kind],
    allocated,
    used: allocated,
    available: BOUGHT[kind] - allocated,
    quarantined: 0,
    excess: 0,
  };
};

/** `/qrs/license/accesstypeoverview`, and under its older name. Subscriptions by user, no tokens. */
export const accessTypes = (site: Site): JsonObject => {
  const tokens = { enabled: false, allocatedTokens: 0, usedTokens: 0 };
  return {
    totalTokens: 0,
    availableTokens: 0,
    tokensEnabled: false,
    userAccess: { ...tokens, quarantinedTokens: 0 },
    loginAccess: { ...tokens, unavailableTokens: 0 },
    professionalAccess: summary(site, 'ProfessionalAccessType'),
    analyzerAccess: summary(site, 'AnalyzerAccessType'),
    analyzerTimeAccess: { enabled: false, allocatedMinutes: 0, usedMinutes: 0, unavailableMinutes: 0 },
    schemaPath: 'AccessTypeOverview',
  };
};

/** `/qrs/license`. */
export const licenceOf = (site: Site): JsonObject => ({
  id: site.nodeId.replace(/^.{8}/, 'f0f0f0f0'),
  createdDate: '2019-03-01T08:00:00.000Z',
  modifiedDate: '2024-01-15T10:00:00.000Z',
  modifiedByUserName: 'INTERNAL\\sa_repository',
  lef: '',
  serial: '0000000000000000',
  name: 'Corp',
  organization: 'Corp',
  product: 15,
  numberOfCores: -1,
  isExpired: false,
  expiredReason: '',
  isBlacklisted: false,
  isInvalid: false,
  key: '',
  keyDetails: 'Valid To: 2099-12-31T00:00:00Z',
  privileges: null,
  schemaPath: 'License',
});
