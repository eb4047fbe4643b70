import type {
  Agent,
  AgentDetail,
  ApiToken,
  Asset,
  AssetSummary,
  BrokenFile,
  ChangeEvent,
  Check,
  Connection,
  Edge,
  Finding,
  Job,
  QlikSettings,
  ScopeOutcome,
} from '#catalog/api/contract.ts';

import { Runs } from './runs.ts';

type Kind = AssetSummary['kind'];

/** An asset as a test states it; what can be derived (path, counts, edges back) is derived. */
export interface FakeAsset {
  readonly key: string;
  readonly kind: Kind;
  readonly name: string;
  readonly parent?: string;
  readonly attributes?: Asset['attributes'];
  readonly uses?: readonly string[];
  /** Since when it is gone from the site. */
  readonly goneAt?: string;
}

/**
 * What the fake catalog knows. A test changes it in place and then says what changed by `emit`, just as the real catalog
 * sends events after it committed.
 */
export class World {
  agents: Agent[] = [];
  trust = new Map<string, Pick<AgentDetail, 'keys' | 'boots' | 'renewalAskedAt' | 'policy'>>();
  connections: Connection[] = [];
  broken: BrokenFile[] = [];
  jobs: Job[] = [];
  scopes = new Map<string, ScopeOutcome[]>();
  checks = new Map<string, Check[]>();
  qlikSettings = new Map<string, readonly QlikSettings[]>();
  tokens: ApiToken[] = [];
  /** What assets look like: SVG, or a PNG for thumbnails. */
  pictures: { key: string; source: 'layout' | 'data' | 'thumbnail'; content: string }[] = [];
  findings: readonly Finding[] = [];
  readonly runs = new Runs();
  readonly #assets = new Map<string, FakeAsset>();
  readonly #listeners = new Set<(event: ChangeEvent) => void>();

  emit(event: ChangeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  onEvent(listener: (event: ChangeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(...assets: readonly FakeAsset[]): void {
    for (const asset of assets) this.#assets.set(asset.key, asset);
  }

  connection(code: string): Connection | undefined {
    return this.connections.find((each) => each.code === code);
  }

  /** Replaces a connection's fields and tells the page. */
  change(code: string, fields: Partial<Connection>): void {
    this.connections = this.connections.map((each) => (each.code === code ? { ...each, ...fields } : each));
    this.emit({ name: 'connection', code });
  }

  /** Replaces a job's fields, in the history and as the last crawl or test of its connection, and tells the page. */
  changeJob(id: string, fields: Partial<Job>): void {
    this.jobs = this.jobs.map((each) => (each.id === id ? { ...each, ...fields } : each));
    const job = this.jobs.find((each) => each.id === id);
    if (!job) return;
    this.connections = this.connections.map((each) =>
      each.lastJob?.id === id
        ? { ...each, lastJob: job }
        : each.lastTest?.id === id
          ? { ...each, lastTest: job }
          : each.lastInventory?.id === id
            ? { ...each, lastInventory: job }
            : each,
    );
    this.emit({ name: 'job', id, connection: job.connection });
  }

  all(): readonly FakeAsset[] {
    return [...this.#assets.values()];
  }

  childrenOf(key: string): readonly FakeAsset[] {
    return this.all().filter(({ parent }) => parent === key);
  }

  summary(asset: FakeAsset): AssetSummary {
    const description = asset.attributes?.['description'];
    return {
      key: asset.key,
      kind: asset.kind,
      name: asset.name,
      parent: asset.parent ?? null,
      connection: asset.key.split('/')[0] ?? '',
      children: this.childrenOf(asset.key).length,
      description: typeof description === 'string' ? description : null,
      parentName: this.#assets.get(asset.parent ?? '')?.name ?? null,
      appName: this.#appAround(asset)?.name ?? null,
      goneAt: asset.goneAt ?? null,
    };
  }

  #appAround({ parent }: FakeAsset): FakeAsset | undefined {
    const up = this.#assets.get(parent ?? '');
    return up === undefined || up.kind === 'app' ? up : this.#appAround(up);
  }

  #lastRead(key: string): Asset['lastRead'] {
    for (const [job, scopes] of this.scopes) {
      const found = scopes.find(({ scope }) => scope === key);
      if (!found) continue;
      const { outcome, reason, missing, error, publishedAt } = found;
      return { job, outcome, reason, missing, error, publishedAt };
    }
    return null;
  }

  asset(key: string): Asset | undefined {
    const asset = this.#assets.get(key);
    if (!asset) return undefined;
    const path: Asset['path'] = [];
    for (let up = this.#assets.get(asset.parent ?? ''); up; up = this.#assets.get(up.parent ?? ''))
      path.unshift({ key: up.key, kind: up.kind, name: up.name });
    const childrenByKind: Asset['childrenByKind'] = {};
    for (const { kind } of this.childrenOf(key)) childrenByKind[kind] = (childrenByKind[kind] ?? 0) + 1;
    const edge = (kind: Edge['kind'], direction: Edge['direction'], other: string): Edge => {
      const found = this.#assets.get(other);
      return { kind, direction, other, otherName: found?.name ?? null, otherKind: found?.kind ?? null };
    };
    return {
      ...this.summary(asset),
      attributes: asset.attributes ?? {},
      childrenByKind,
      path,
      edges: [
        ...(asset.uses ?? []).map((other) => edge('uses', 'out', other)),
        ...this.all()
          .filter(({ uses }) => uses?.includes(key))
          .map((other) => edge('uses', 'in', other.key)),
        ...(asset.parent === undefined ? [] : [edge('contains', 'in', asset.parent)]),
      ],
      firstSeenAt: '2026-11-02T08:00:00.000Z',
      changedAt: '2026-11-20T21:14:09.000Z',
      lastRead: this.#lastRead(key),
    };
  }
}
