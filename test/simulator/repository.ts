/** The repository's answers, taken from the handler and given what only the running site knows. */
import type { EngineContext } from './engine/context.ts';
import type { VirtualProxy } from './proxy/virtual-proxy.ts';
import type { Deletion } from './qrs/changes.ts';
import { handleQrsInTurns } from './qrs/handler.ts';
import { Selections } from './qrs/selections.ts';
import type { Repository } from './services.ts';

export interface RunningRepository {
  readonly handle: Repository;
  /** Notes a deletion for `/qrs/notification/changes`. */
  deleted(appId: string, at: Date): void;
}

/** The number that QRS has for an authentication method. */
const methodNumber = ({ authenticator }: VirtualProxy, dynamic: boolean): number => {
  switch (authenticator.method) {
    case 'header':
      return dynamic ? 2 : 1;
    case 'saml':
      return 3;
    case 'jwt':
      return 4;
    case 'oidc':
      return 5;
    case 'login':
    case 'windows':
    case 'ticket':
      return 0;
    default:
      return authenticator.method satisfies never;
  }
};

export function repositoryOf(
  { site, profile, faults, access }: EngineContext,
  virtualProxies: readonly VirtualProxy[],
  dynamicHeader: boolean,
): RunningRepository {
  const selections = new Selections();
  const deletions: Deletion[] = [];
  const listed = virtualProxies.map((proxy) => ({
    prefix: proxy.prefix,
    description: proxy.description,
    cookieName: proxy.cookieName,
    authenticationMethod: methodNumber(proxy, dynamicHeader),
    allowList: proxy.allowedHosts,
  }));
  return {
    async handle({ method, path, query, headers, body, user }) {
      const fullCap = faults.settings.fullCap > 0 ? faults.settings.fullCap : profile.fullCap;
      const answer = await handleQrsInTurns(
        { method, path, query: new URLSearchParams(query), headers, body, user },
        {
          site,
          profile: { ...profile, fullCap },
          sees: (app) => access.seesApp(user, app),
          refusesXrfkey: faults.settings.xrfkeyRefused,
          forbidden: faults.settings.forbiddenLists,
          empty: faults.settings.emptyLists,
          refusedFilters: faults.settings.refusedFilters,
          virtualProxies: listed,
          selections,
          deletions,
        },
      );
      return { reply: answer, rows: answer.rows };
    },
    deleted(appId, at) {
      deletions.push({ type: 'App', id: appId, at: at.toISOString() });
    },
  };
}
