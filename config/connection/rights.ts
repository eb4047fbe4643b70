/**
 * What a crawl reads of a site, as resource filters of a security rule: by the word that people have for it. One rule
 * with all of them, action Read, is what the QMC needs; a message about one thing names its own.
 */
export const RESOURCE_FILTERS = {
  streams: 'Stream_*',
  // Load scripts lie in parts of an app that `App_*` alone does not reach.
  apps: 'App*',
  'app objects': 'App.Object_*',
  'data connections': 'DataConnection_*',
  users: 'User_*',
  'reload tasks': 'ReloadTask_*',
  schedules: 'SchemaEvent_*',
  'schedules after other tasks': 'CompositeEvent_*',
  tags: 'Tag_*',
  'custom properties': 'CustomProperty*',
  extensions: 'Extension_*',
} as const;

export type Readable = keyof typeof RESOURCE_FILTERS;

/** The resource filter of the whole rule. */
export const ALL_RESOURCES = Object.values(RESOURCE_FILTERS).join(', ');

/** What gives the right to read these things, for whoever has the QMC before them. */
export const ruleAdvice = (...things: readonly Readable[]): string =>
  `In the QMC, Security rules, give the user a rule with resource filter ${things.map((thing) => RESOURCE_FILTERS[thing]).join(', ')}, action Read, in both hub and QMC; culvert doctor --rules prints the whole rule.`;
