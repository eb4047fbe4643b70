import { z } from 'zod';
import { CheckRecord } from '#protocol/checks.ts';
import { ErrorShape } from '#protocol/errors.ts';
import {
  CrawlOptions,
  InventoryOptions,
  JOB_KINDS,
  LineageOptions,
  PreviewOptions,
  TestOptions,
} from '#protocol/job-options.ts';
import { ASSET_KINDS, EDGE_KINDS, Missing, OUTCOMES, Reason } from '#protocol/records.ts';
import { ConnectionState, PolicyReport } from '#protocol/status.ts';
import { InventoryCounts } from './contract-inventory.ts';

export * from './contract-checks.ts';
export * from './contract-findings.ts';
export * from './contract-inventory.ts';
export * from './contract-lineage.ts';
export * from './contract-pictures.ts';
export * from './contract-publishes.ts';
export * from './contract-settings.ts';

/**
 * The shapes of the REST API (`/api/v1`). The server validates and documents with them (OpenAPI), the page takes its
 * types from them. Lists answer `{items, next}`: pass `next` as `after` for the following page, null means the end.
 */
const Time = z.iso.datetime();
const list = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() });

export const ApiError = ErrorShape.meta({ id: 'Error' });
export type ApiError = z.infer<typeof ApiError>;

export const LoginRequest = z.union([
  z.object({ email: z.string().max(320), password: z.string().max(1024) }),
  z.object({ oneTimeToken: z.string().max(200) }),
]);

/** `csrf` goes back in the header `x-csrf-token` of every call that changes something and is made with the cookie. */
export const Me = z
  .object({
    user: z.object({ id: z.string(), email: z.string(), name: z.string() }),
    organisation: z.object({ id: z.string(), name: z.string() }),
    csrf: z.string(),
  })
  .meta({ id: 'Me' });
export type Me = z.infer<typeof Me>;

export const Agent = z
  .object({
    id: z.string(),
    name: z.string(),
    /** `online`: a session and a heartbeat lately; `late`: none for 30 s; `offline`: none for 120 s; `new`: never seen. */
    health: z.enum(['new', 'online', 'late', 'offline']),
    /**
     * Whether it may come in. `quarantined`: two machines use its identity, neither is let in; `revoked`: shut out for
     * good, its machine has to enrol again.
     */
    standing: z.enum(['trusted', 'disabled', 'revoked', 'quarantined']),
    /** It came in with a key that was replaced, and comes in until then: a restored disk, or a stolen key. */
    replacedKeyEndsAt: Time.nullable(),
    version: z.string().nullable(),
    hostname: z.string().nullable(),
    platform: z.string().nullable(),
    enrolledAt: Time,
    lastSeenAt: Time.nullable(),
    connections: z.int(),
    /** What keeps the agent from working, such as a full disk. */
    faults: z.array(ApiError),
    /** The agent does not check this catalog's certificate. */
    bypassCertificateValidation: z.boolean(),
    /** What its link goes over (`websocket`, `polling`), and why; null when it does not say. */
    link: z.object({ transport: z.string(), why: z.string() }).nullable(),
    /** Until when it logs more, as was asked here, or why it refused to; null when neither is. */
    logLevel: z.object({ level: z.string(), until: z.string().nullable(), refused: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'Agent' });
export type Agent = z.infer<typeof Agent>;

/** One agent with what decides whether it comes in, and what its own policy forbids. */
export const AgentDetail = z
  .object({
    ...Agent.shape,
    /** The newest first. `validUntil`: a later key counts, this one does until then. */
    keys: z.array(
      z.object({
        id: z.string(),
        createdAt: Time,
        lastUsedAt: Time.nullable(),
        validUntil: Time.nullable(),
        revokedAt: Time.nullable(),
        /** The present session was opened with it. */
        inUse: z.boolean(),
      }),
    ),
    /** Starts of programs that used the identity lately; `returns`: how often one took it back from another. */
    boots: z.array(
      z.object({
        bootId: z.string(),
        hostname: z.string(),
        platform: z.string(),
        machine: z.string().nullable(),
        firstSeenAt: Time,
        lastSeenAt: Time,
        returns: z.int(),
      }),
    ),
    /** Somebody wants the agent to make a new key, which it has not done yet. */
    renewalAskedAt: Time.nullable(),
    policy: z.object(PolicyReport.shape).nullable(),
  })
  .meta({ id: 'AgentDetail' });
export type AgentDetail = z.infer<typeof AgentDetail>;

export const EnrolmentToken = z.object({ token: z.string(), expiresAt: Time }).meta({ id: 'EnrolmentToken' });

export const ScopeOutcome = z
  .object({
    scope: z.string(),
    kind: z.enum(['site', 'app']),
    name: z.string(),
    outcome: z.enum(OUTCOMES),
    records: z.int(),
    added: z.int(),
    changed: z.int(),
    removed: z.int(),
    missing: z.array(Missing),
    error: ApiError.nullable(),
    /** Why it was read, or why not. */
    reason: z.object(Reason.shape).nullable(),
    publishedAt: Time,
  })
  .meta({ id: 'ScopeOutcome' });
export type ScopeOutcome = z.infer<typeof ScopeOutcome>;

/** What is asked for. Of a crawl `only` names streams and apps by their ids, at least one. */
export const JobRequest = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('crawl'), options: CrawlOptions.pick({ mode: true, only: true }).optional() }),
    z.object({ kind: z.literal('test'), options: TestOptions.pick({ link: true }).optional() }),
    z.object({ kind: z.literal('inventory'), options: InventoryOptions.optional() }),
    z.object({ kind: z.literal('preview'), options: PreviewOptions.omit({ settings: true }) }),
    z.object({ kind: z.literal('lineage'), options: LineageOptions.pick({ only: true }).optional() }),
  ])
  .meta({ id: 'JobRequest' });

export const JOB_STATES = ['queued', 'leased', 'running', 'cancelling', 'published', 'failed', 'cancelled'] as const;

export const Job = z
  .object({
    id: z.string(),
    connection: z.string(),
    kind: z.enum(JOB_KINDS),
    /** `published` is the end of a job that did what was asked: a test ends so whatever it found. */
    state: z.enum(JOB_STATES),
    attempt: z.int(),
    createdAt: Time,
    startedAt: Time.nullable(),
    finishedAt: Time.nullable(),
    createdBy: z.string(),
    progress: z
      .object({
        scopesDone: z.int(),
        scopesTotal: z.int().nullable(),
        records: z.int(),
        current: z.array(z.string()),
      })
      .nullable(),
    /** As they were asked for; `settings` to try out are left out. */
    options: z.record(z.string(), z.unknown()),
    /** Of an inventory: it tries out settings that are not saved. */
    tried: z.boolean(),
    /** Published scopes by outcome. */
    outcomes: z.partialRecord(z.enum(OUTCOMES), z.int()),
    /** Of a test what it has found so far, with the first check that failed; null of a crawl. */
    test: z
      .object({
        passed: z.int(),
        /** Of those that passed: with something that still deserves a look. */
        warned: z.int(),
        failed: z.int(),
        skipped: z.int(),
        failure: z
          .object({
            target: CheckRecord.shape.target,
            check: z.string(),
            code: z.string().nullable(),
            seen: z.string(),
          })
          .nullable(),
      })
      .nullable(),
    /** Of an inventory what it has found so far; null of others, and once its list is not kept any more. */
    inventory: InventoryCounts.nullable(),
    error: ApiError.nullable(),
    /** Why a queued job does not start yet, in a sentence; null else. */
    waiting: z.string().nullable(),
  })
  .meta({ id: 'Job' });
export type Job = z.infer<typeof Job>;

export const Connection = z
  .object({
    code: z.string(),
    agentId: z.string().nullable(),
    agentName: z.string().nullable(),
    agentHealth: Agent.shape.health.nullable(),
    agentStanding: Agent.shape.standing.nullable(),
    agentKeyEndsAt: Agent.shape.replacedKeyEndsAt,
    /** As the owning agent reports it; `deleted` files stay as `absent`. */
    status: ConnectionState,
    /** Agents that have a file with the same code and stand by. */
    standby: z.array(z.object({ agentId: z.string(), agentName: z.string() })),
    /** Another connection whose file became this one (its code was changed): its keys may be taken over. */
    takeOver: z.string().nullable(),
    assets: z.int(),
    /** The newest crawl. */
    lastJob: Job.nullable(),
    /** The newest test. */
    lastTest: Job.nullable(),
    /** The newest inventory. */
    lastInventory: Job.nullable(),
    reportedAt: Time,
  })
  .meta({ id: 'Connection' });
export type Connection = z.infer<typeof Connection>;

/** A file that has no code yet because no version of it could be read. */
export const BrokenFile = z
  .object({ agentId: z.string(), agentName: z.string(), status: ConnectionState })
  .meta({ id: 'BrokenFile' });
export type BrokenFile = z.infer<typeof BrokenFile>;

export const AssetSummary = z
  .object({
    key: z.string(),
    kind: z.enum(ASSET_KINDS),
    name: z.string(),
    parent: z.string().nullable(),
    connection: z.string(),
    /** How many assets lie directly below. */
    children: z.int(),
    description: z.string().nullable(),
    /** Names of the parent and of the app around it (cut; null where there is none): what a list from everywhere shows. */
    parentName: z.string().nullable(),
    appName: z.string().nullable(),
    /** Since when it is gone from the site: kept, by the deletion policy; null of what is there. */
    goneAt: Time.nullable(),
  })
  .meta({ id: 'AssetSummary' });
export type AssetSummary = z.infer<typeof AssetSummary>;

export const Edge = z
  .object({
    kind: z.enum(EDGE_KINDS),
    direction: z.enum(['out', 'in']),
    other: z.string(),
    otherName: z.string().nullable(),
    otherKind: z.enum(ASSET_KINDS).nullable(),
  })
  .meta({ id: 'Edge' });
export type Edge = z.infer<typeof Edge>;

export const Asset = z
  .object({
    ...AssetSummary.shape,
    attributes: z.record(z.string(), z.json()),
    /** How many assets of each kind lie directly below: the page shows them in groups and pages through each. */
    childrenByKind: z.partialRecord(z.enum(ASSET_KINDS), z.int()),
    /** From the site down to the parent. */
    path: z.array(z.object({ key: z.string(), kind: z.enum(ASSET_KINDS), name: z.string() })),
    edges: z.array(Edge),
    firstSeenAt: Time,
    changedAt: Time,
    /** Of a site or an app: what became of it in the newest crawl that dealt with it, and why; null of others. */
    lastRead: z
      .object({
        job: z.string().nullable(),
        outcome: z.enum(OUTCOMES),
        reason: z.object(Reason.shape).nullable(),
        missing: z.array(Missing),
        error: ApiError.nullable(),
        publishedAt: Time,
      })
      .nullable(),
  })
  .meta({ id: 'Asset' });
export type Asset = z.infer<typeof Asset>;

export const Counts = z
  .object({
    assets: z.partialRecord(z.enum(ASSET_KINDS), z.int()),
    edges: z.partialRecord(z.enum(EDGE_KINDS), z.int()),
  })
  .meta({ id: 'Counts' });
export type Counts = z.infer<typeof Counts>;

export const ApiToken = z
  .object({
    id: z.string(),
    name: z.string(),
    createdAt: Time,
    lastUsedAt: Time.nullable(),
    expiresAt: Time.nullable(),
  })
  .meta({ id: 'ApiToken' });
export type ApiToken = z.infer<typeof ApiToken>;

export const AgentList = list(Agent);
export const ConnectionList = z.object({ items: z.array(Connection), broken: z.array(BrokenFile) });
export const JobList = list(Job);
export const ScopeOutcomeList = list(ScopeOutcome);
export const AssetList = list(AssetSummary);

/** `GET /api/v1/events` (server-sent): what changed, by id; the page reads it again. `name` is the SSE event. */
export const ChangeEvent = z.discriminatedUnion('name', [
  z.object({ name: z.literal('agent'), id: z.string() }),
  z.object({ name: z.literal('connection'), code: z.string() }),
  z.object({ name: z.literal('job'), id: z.string(), connection: z.string() }),
  z.object({ name: z.literal('assets'), connection: z.string() }),
]);
export type ChangeEvent = z.infer<typeof ChangeEvent>;

/*
 * POST   /api/v1/login                         LoginRequest → Me, sets the session cookie
 * POST   /api/v1/logout                        → 204
 * GET    /api/v1/me                            → Me
 * GET    /api/v1/agents                        → AgentList
 * GET    /api/v1/agents/{id}                   → AgentDetail
 * POST   /api/v1/agents/{id}/disable           → AgentDetail       (its session ends; `enable` lets it in again)
 * POST   /api/v1/agents/{id}/enable            → AgentDetail
 * POST   /api/v1/agents/{id}/renew-key         → AgentDetail       (it makes a new key, at once or when it is back)
 * POST   /api/v1/agents/{id}/release           → AgentDetail       (ends a quarantine: the copy was stopped)
 * POST   /api/v1/agents/{id}/revoke            {confirm: name} → AgentDetail       (for good)
 * POST   /api/v1/agents/{id}/keys/{key}/revoke {lastKey?} → AgentDetail
 * POST   /api/v1/agents/{id}/log-level         {level, minutes} → 202 (the agent logs more for a while, or says why not)
 * POST   /api/v1/enrolment-tokens              → EnrolmentToken
 * GET    /api/v1/connections                   → ConnectionList
 * GET    /api/v1/connections/{code}            → Connection
 * POST   /api/v1/connections/{code}/jobs       JobRequest → 201 Job (200: one that waits asks for the same)
 * GET    /api/v1/connections/{code}/publishes?after=  → PublishList, newest first
 * GET    /api/v1/connections/{code}/settings   → StoredSettings
 * PUT    /api/v1/connections/{code}/settings   {settings, version} → StoredSettings
 * POST   /api/v1/connections/{code}/settings/check   {settings} → SettingsCheck (nothing is stored)
 * GET    /api/v1/connections/{code}/settings/history?after=  → SettingsChangeList, newest first
 * POST   /api/v1/connections/{code}/take-over  {from: code} → Connection    (keys of `from` become this one's)
 * POST   /api/v1/connections/{code}/assign     {agentId} → Connection       (a standby agent takes over)
 * DELETE /api/v1/connections/{code}            {confirm: code} → {assets, fileStillExists}
 * GET    /api/v1/jobs?connection=&after=       → JobList, newest first
 * GET    /api/v1/jobs/{id}                     → Job
 * GET    /api/v1/jobs/{id}/scopes?outcome=&changed=&after=  → ScopeOutcomeList
 * GET    /api/v1/jobs/{id}/difference?scope=   → Difference
 * GET    /api/v1/jobs/{id}/inventory           → Inventory
 * GET    /api/v1/jobs/{id}/inventory/items?kind=&kept=&rule=&q=&after=&limit=  → InventoryItemList
 * GET    /api/v1/jobs/{id}/inventory.csv?kind=&kept=&rule=&q=  → text/csv
 * GET    /api/v1/jobs/{id}/checks              → CheckList (of a test)
 * POST   /api/v1/jobs/{id}/cancel              → Job
 * GET    /api/v1/assets?connection=&kind=&parent=&q=&after=&limit=  → AssetList (no parent, q and kind: the sites)
 * GET    /api/v1/asset?key=                    → Asset
 * GET    /api/v1/findings?connection=&app=&code=&severity=&new=&after=&limit=  → FindingList, the gravest first
 * GET    /api/v1/findings/counts?connection=&app=&code=&severity=  → FindingCounts
 * GET    /api/v1/findings.csv?connection=&app=&code=&severity=&new=  → text/csv
 * GET    /api/v1/lineage?key=&direction=&level=&depth=&limit=&breadth=&confidence=&roles=&after=  → Lineage
 * GET    /api/v1/lineage/edge?from=&kind=&to=  → LineageEdgeDetail
 * GET    /api/v1/lineage/impact?key=&direction=&kind=&confidence=&roles=&after=&limit=  → Impact
 * GET    /api/v1/lineage/impact.csv?key=&direction=&kind=&confidence=&roles=  → text/csv
 * GET    /api/v1/counts?connection=            → Counts
 * GET    /api/v1/tokens                        → {items: ApiToken[]}
 * POST   /api/v1/tokens                        {name, expiresInDays?} → ApiToken & {token}
 * DELETE /api/v1/tokens/{id}                   → 204
 * GET    /api/v1/events                        → text/event-stream of ChangeEvent
 * GET    /api/openapi.json                     → OpenAPI 3.1
 * POST   /v1/enrol                             EnrolRequest → EnrolReply    (no login: the one-time token is the right)
 * GET    /v1/agent                             → WebSocket (protocol/PROTOCOL.md)
 */
