import * as contract from '#catalog/api/contract.ts';
import { counted, narrowed } from './findings.ts';
import { lineageOf } from './lineage.ts';
import type { World } from './world.ts';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export interface Answer {
  readonly status: number;
  readonly value?: unknown;
}

const NOW = '2026-11-21T21:00:00.000Z';
const notFound = (what: string): Answer => ({
  status: 404,
  value: contract.ApiError.parse({
    code: 'api.not_found',
    message: `There is no ${what}.`,
    retryable: false,
    advice: 'It may have been deleted; go back to the list.',
  }),
});

/** One page of a list; `after` is the position of the last item that was sent. */
const page = <T>(items: readonly T[], query: URLSearchParams, size: number): { items: T[]; next: string | null } => {
  const from = Number(query.get('after') ?? 0);
  const to = from + Math.min(size, Number(query.get('limit') ?? size));
  return { items: items.slice(from, to), next: to < items.length ? String(to) : null };
};

const assets = (world: World, query: URLSearchParams): contract.AssetSummary[] => {
  const [connection, kind, parent, q] = ['connection', 'kind', 'parent', 'q'].map((name) => query.get(name));
  return world
    .all()
    .filter((asset) => !connection || asset.key.split('/')[0] === connection)
    .filter((asset) => !kind || asset.kind === kind)
    .filter((asset) => !parent || asset.parent === parent)
    .filter((asset) => !q || asset.name.toLowerCase().includes(q.toLowerCase()))
    .filter((asset) => parent || q || kind || asset.parent === undefined)
    .map((asset) => world.summary(asset));
};

const counts = (world: World, connection: string | null): contract.Counts => {
  const result: contract.Counts = { assets: {}, edges: {} };
  for (const { key, kind } of world.all())
    if (!connection || key.split('/')[0] === connection) result.assets[kind] = (result.assets[kind] ?? 0) + 1;
  return result;
};

const startJob = (world: World, connection: contract.Connection, asked: unknown): contract.Job => {
  const { kind, options = {} } = contract.JobRequest.parse(asked);
  const { settings, ...told } = options as Record<string, unknown>;
  const job: contract.Job = contract.Job.parse({
    id: `job-${world.jobs.length + 1}`,
    connection: connection.code,
    kind,
    state: 'queued',
    attempt: 1,
    createdAt: new Date().toISOString(),
    startedAt: null,
    finishedAt: null,
    createdBy: 'ada@example.com',
    progress: null,
    outcomes: {},
    options: told,
    tried: settings !== undefined,
    inventory: kind === 'inventory' ? { kept: none, rejected: none } : null,
    test: kind === 'test' ? { passed: 0, warned: 0, failed: 0, skipped: 0, failure: null } : null,
    error: null,
    waiting: null,
  });
  world.jobs.unshift(job);
  world.change(
    connection.code,
    kind === 'test' ? { lastTest: job } : kind === 'inventory' ? { lastInventory: job } : { lastJob: job },
  );
  return job;
};

/** The fake keeps of an agent what its list shows; the rest is made up anew, and `trust` may say otherwise. */
const ofAgent = (world: World, call: Call, id: string, action: string | undefined): Answer => {
  const agent = world.agents.find((each) => each.id === id);
  if (!agent) return notFound('agent');
  const body = (call.body ?? {}) as Record<string, unknown>;
  const trust = world.trust.get(id) ?? { keys: [], boots: [], renewalAskedAt: null, policy: null };
  const standing = { disable: 'disabled', enable: 'trusted', release: 'trusted', revoke: 'revoked' } as const;
  if (call.method === 'POST') {
    if (action === 'revoke' && body['confirm'] !== agent.name) return { status: 400, value: undefined };
    if (action !== undefined && action in standing)
      world.agents = world.agents.map((each) =>
        each === agent ? { ...agent, standing: standing[action as keyof typeof standing] } : each,
      );
    const asked = action === 'renew-key' ? { renewalAskedAt: new Date().toISOString() } : {};
    const revokedAt = new Date().toISOString();
    const keys = trust.keys.map((key) =>
      call.path.endsWith(`/keys/${key.id}/revoke`) ? { ...key, revokedAt, inUse: false } : key,
    );
    world.trust.set(id, { ...trust, ...asked, keys });
    world.emit({ name: 'agent', id });
  }
  const now = world.agents.find((each) => each.id === id);
  return { status: 200, value: contract.AgentDetail.parse({ ...now, ...trust, ...world.trust.get(id) }) };
};

const ofConnection = (world: World, call: Call, code: string, action: string | undefined): Answer => {
  const connection = world.connection(code);
  if (!connection) return notFound(`connection ${code}`);
  const body = (call.body ?? {}) as Record<string, string>;
  switch (`${call.method} ${action ?? ''}`) {
    case 'GET ':
      return { status: 200, value: contract.Connection.parse(connection) };
    case 'POST jobs':
      return { status: 201, value: startJob(world, connection, call.body) };
    case 'GET settings':
    case 'PUT settings':
    case 'POST settings':
    case 'GET publishes':
      return ofRuns(world, call, code);
    case 'POST take-over':
      world.change(code, { takeOver: null });
      return { status: 200, value: world.connection(code) };
    case 'POST assign': {
      const agent = world.agents.find(({ id }) => id === body['agentId']);
      if (!agent) return notFound('agent');
      world.change(code, { agentId: agent.id, agentName: agent.name, agentHealth: agent.health, standby: [] });
      return { status: 200, value: world.connection(code) };
    }
    case 'DELETE ': {
      if (body['confirm'] !== code) return { status: 400, value: undefined };
      world.connections = world.connections.filter((each) => each !== connection);
      world.emit({ name: 'connection', code });
      return {
        status: 200,
        value: { assets: connection.assets, fileStillExists: connection.status.state !== 'absent' },
      };
    }
    default:
      return notFound('such call');
  }
};

/** As the real catalog judges: enough of it for the page to show. */
const settingsProblems = ({
  filter,
  includeApps = [],
}: contract.StoredSettings['settings']): contract.SettingsProblem[] => [
  ...includeApps.flatMap((text, index): contract.SettingsProblem[] =>
    text.startsWith('regex:') && text.includes('(?=')
      ? [
          {
            setting: 'includeApps',
            index,
            line: null,
            column: null,
            message: 'The expression looks ahead or behind ((?=…), (?!…), (?<=…), (?<!…)).',
            advice: 'Say it with two rules, an include and an exclude.',
          },
        ]
      : [],
  ),
  ...(filter?.includes('colour') === true
    ? [
        {
          setting: 'filter' as const,
          index: null,
          line: 1,
          column: filter.indexOf('colour') + 1,
          message: '`colour` is no key of a filter.',
          advice: 'Write one of stream, app, owner, tags.',
        },
      ]
    : []),
];

const ofRuns = (world: World, call: Call, code: string): Answer => {
  const { runs } = world;
  const [, , , , , room, action] = call.path.split('/');
  if (room === 'publishes')
    return { status: 200, value: contract.PublishList.parse(page(runs.publishes.get(code) ?? [], call.query, 20)) };
  if (action === 'history')
    return {
      status: 200,
      value: contract.SettingsChangeList.parse(page(runs.changes.get(code) ?? [], call.query, 20)),
    };
  const before = runs.stored(code);
  if (call.method === 'GET') return { status: 200, value: contract.StoredSettings.parse(before) };
  const { settings, version } = call.body as contract.StoredSettings;
  if (action === 'check')
    return { status: 200, value: contract.SettingsCheck.parse({ problems: settingsProblems(settings) }) };
  if (version !== before.version)
    return {
      status: 409,
      value: contract.ApiError.parse({
        code: 'api.conflict',
        message: `${before.changedBy} changed these settings meanwhile.`,
        retryable: false,
        advice: 'Look at what is there now, then make your change again.',
      }),
    };
  const stored = { settings, version: version + 1, changedAt: new Date().toISOString(), changedBy: 'ada@example.com' };
  runs.settings.set(code, contract.StoredSettings.parse(stored));
  world.emit({ name: 'connection', code });
  return { status: 200, value: stored };
};

const none = { stream: 0, app: 0, sheet: 0 };

const ofInventory = (world: World, call: Call, id: string, action: string | undefined): Answer => {
  const { rules, items } = world.runs.inventories.get(id) ?? { rules: [], items: [] };
  const count = (list: readonly contract.InventoryItem[], kept: boolean) => {
    const counts = { ...none };
    for (const one of list) if (one.kept === kept) counts[one.kind] += 1;
    return counts;
  };
  const counted = (list: readonly contract.InventoryItem[]) => ({
    kept: count(list, true),
    rejected: count(list, false),
  });
  if (action === undefined)
    return {
      status: 200,
      value: contract.Inventory.parse({
        ...counted(items),
        rules: [...rules, null].map((rule, index) => ({
          number: rule === null ? 0 : index + 1,
          rule,
          ...counted(items.filter((one) => one.rule === rule)),
        })),
      }),
    };
  const { kind, kept, rule, q } = Object.fromEntries(call.query);
  const found = items
    .filter((one) => !kind || one.kind === kind)
    .filter((one) => !kept || String(one.kept) === kept)
    .filter((one) => !rule || (rules.indexOf(one.rule ?? '') + 1 || 0) === Number(rule))
    .filter((one) => !q || one.name.toLowerCase().includes(q.toLowerCase()))
    .toSorted((a, b) => a.name.localeCompare(b.name));
  return { status: 200, value: contract.InventoryItemList.parse(page(found, call.query, 100)) };
};

const ofJob = (world: World, call: Call, id: string, action: string | undefined): Answer => {
  const job = world.jobs.find((each) => each.id === id);
  if (!job) return notFound(`job ${id}`);
  if (action === 'inventory') return ofInventory(world, call, id, call.path.split('/')[6]);
  if (action === 'difference') {
    const found = world.runs.differences.get(`${id} ${call.query.get('scope')}`);
    return found ? { status: 200, value: contract.Difference.parse(found) } : notFound('such scope');
  }
  if (action === 'scopes') {
    const outcome = call.query.get('outcome');
    const all = (world.scopes.get(id) ?? [])
      .filter((scope) => !outcome || scope.outcome === outcome)
      .filter((scope) => !call.query.get('changed') || scope.added + scope.changed + scope.removed > 0);
    return { status: 200, value: contract.ScopeOutcomeList.parse(page(all, call.query, 20)) };
  }
  if (action === 'checks')
    return {
      status: 200,
      value: contract.CheckList.parse({
        items: world.checks.get(id) ?? [],
        settings: world.qlikSettings.get(id) ?? [],
      }),
    };
  if (action === 'cancel' && call.method === 'POST') world.changeJob(id, { state: 'cancelling' });
  return { status: 200, value: contract.Job.parse(world.jobs.find((each) => each.id === id)) };
};

const ofTokens = (world: World, call: Call, id: string | undefined): Answer => {
  if (call.method === 'GET') return { status: 200, value: { items: contract.ApiToken.array().parse(world.tokens) } };
  if (call.method === 'DELETE') {
    world.tokens = world.tokens.filter((token) => token.id !== id);
    return { status: 204 };
  }
  const { name, expiresInDays } = call.body as { name: string; expiresInDays?: number };
  const expiresAt = expiresInDays ? new Date(Date.now() + expiresInDays * 86_400_000).toISOString() : null;
  const token = { id: `t${world.tokens.length + 1}`, name, createdAt: NOW, lastUsedAt: null, expiresAt };
  world.tokens.push(contract.ApiToken.parse(token));
  return { status: 201, value: { ...token, token: 'canary-api-token-4711' } };
};

/** The agent does as it is asked, and says so in its status. */
const askLogLevel = (world: World, id: string | undefined, body: unknown): Answer => {
  const { level, minutes } = body as { level: string; minutes: number };
  world.agents = world.agents.map((agent) => {
    if (agent.id !== id) return agent;
    const until = new Date(Date.now() + minutes * 60_000).toISOString();
    return { ...agent, logLevel: minutes === 0 ? null : { level, until, refused: null } };
  });
  world.emit({ name: 'agent', id: id ?? '' });
  return { status: 202, value: { asked: true } };
};

const pictures = (world: World, key: string) => {
  const items = world.pictures.flatMap(({ key: of, source, content }) => {
    const asset = world.asset(of);
    if (asset === undefined || (of !== key && (asset.parent !== key || asset.kind !== 'sheet'))) return [];
    const charts = world.all().filter(({ parent, kind, name }) => parent === of && kind === 'chart' && name !== '');
    return [
      {
        key: of,
        kind: asset.kind,
        name: asset.name,
        source,
        mediaType: source === 'thumbnail' ? 'image/png' : 'image/svg+xml',
        bytes: content.length,
        version: String(content.length),
        changedAt: NOW,
        charts: charts.map((chart) => chart.name),
      },
    ];
  });
  return contract.PictureList.parse({ items });
};

/** What the catalog answers to a call of a user who is logged in; every answer is checked against the contract. */
export const answer = (world: World, call: Call): Answer => {
  const [, , , room = '', name, action] = call.path.split('/').map(decodeURIComponent);
  switch (room) {
    case 'connections':
      if (name !== undefined) return ofConnection(world, call, name, action);
      return {
        status: 200,
        value: contract.ConnectionList.parse({ items: world.connections, broken: world.broken }),
      };
    case 'jobs': {
      if (name !== undefined) return ofJob(world, call, name, action);
      const code = call.query.get('connection');
      const jobs = world.jobs.filter((job) => !code || job.connection === code);
      return { status: 200, value: contract.JobList.parse(page(jobs, call.query, 20)) };
    }
    case 'agents':
      if (action === 'log-level') return askLogLevel(world, name, call.body);
      if (name !== undefined) return ofAgent(world, call, name, action);
      return { status: 200, value: contract.AgentList.parse(page(world.agents, call.query, 100)) };
    case 'enrolment-tokens':
      return {
        status: 201,
        value: contract.EnrolmentToken.parse({
          token: 'canary-enrolment-token-0815',
          expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
        }),
      };
    case 'assets':
      if (name === 'pictures') return { status: 200, value: pictures(world, call.query.get('key') ?? '') };
      return { status: 200, value: contract.AssetList.parse(page(assets(world, call.query), call.query, 50)) };
    case 'asset': {
      const asset = world.asset(call.query.get('key') ?? '');
      return asset ? { status: 200, value: contract.Asset.parse(asset) } : notFound('such asset');
    }
    case 'lineage': {
      const lineage = lineageOf(world, call.query.get('key') ?? '');
      return lineage ? { status: 200, value: lineage } : notFound('such asset');
    }
    case 'findings': {
      const some = narrowed(world.findings, call.query);
      if (name === 'counts') return { status: 200, value: contract.FindingCounts.parse(counted(some)) };
      return { status: 200, value: contract.FindingList.parse(page(some, call.query, 50)) };
    }
    case 'counts':
      return { status: 200, value: contract.Counts.parse(counts(world, call.query.get('connection'))) };
    case 'tokens':
      return ofTokens(world, call, name);
    default:
      return notFound(`call ${call.method} ${call.path}`);
  }
};
