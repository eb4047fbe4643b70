import type { Profile } from '../profiles.ts';
import type { Json } from './answer.ts';

const VERBS = ['', '/full', '/count', '/{id}'] as const;

const paths = (entities: readonly string[]): string[] =>
  entities.flatMap((entity) => VERBS.map((verb) => `/${entity}${verb}`));

/** What `/qrs/about/…` tells about the interface itself; undefined for what it does not know. */
export const describe = (
  segments: readonly string[],
  entities: readonly string[],
  profile: Profile,
): Json | undefined => {
  const path = segments.join('/');
  if (path === 'api/description') {
    return [...paths(entities).map((each) => `Get ${each}`), ...entities.map((entity) => `Post /${entity}/table`)];
  }
  if (path === 'api/enums') {
    return {
      StatusEnum: {
        type: 'StatusEnum',
        values: ['0: NeverStarted', '1: Triggered', '2: Started', '7: FinishedSuccess', '8: FinishedFail'],
        usages: ['ExecutionResult.Status'],
      },
    };
  }
  if (path === 'api/relations') return ['App.Stream', 'App.Owner', 'App.Object.App', 'ReloadTask.App'];
  if (segments[0] === 'api' && segments[1] === 'default' && entities.includes(segments.slice(2).join('/'))) {
    return { id: '00000000-0000-0000-0000-000000000000', name: null, schemaPath: segments.slice(2).join('.') };
  }
  if (path === 'openapi' || path === 'openapi/main') {
    const operation = (summary: string): Json => ({ summary, responses: { 200: { description: 'OK' } } });
    return {
      openapi: '3.0.0',
      info: { title: 'Qlik Sense Repository Service', version: profile.qrsVersion },
      servers: [{ url: '/qrs' }],
      paths: Object.fromEntries([
        ...paths(entities).map((each) => [each, { get: operation(`Get ${each}`) }] as const),
        ...entities.map((entity) => [`/${entity}/table`, { post: operation(`Table of ${entity}`) }] as const),
      ]),
    };
  }
  return undefined;
};
