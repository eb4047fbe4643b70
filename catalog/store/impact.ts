import { CONFIDENCES, type Confidence, isSurer, lessSure } from '#protocol/lineage.ts';
import type { AssetKind, EdgeKind } from '#protocol/records.ts';
import { isKnown, membersOf, placesOf, stepsFrom } from './lineage-steps.ts';
import type { Queries } from './sql.ts';
import type { Direction, EdgeFilter, Level, Place } from './step.ts';

export interface ImpactQuery extends EdgeFilter {
  readonly key: string;
  readonly direction: Direction;
}

/** Something that the walk reached, by its surest way, and of these the shortest. */
export interface Reached {
  readonly place: Place;
  /** Steps from the focus. */
  readonly distance: number;
  /** The weakest on the way. */
  readonly confidence: Confidence;
  /** Something on the way holds only under a condition. */
  readonly conditional: boolean;
  /** What it was reached from, and by what; null of the focus and what lies in it. */
  readonly from: string | null;
  readonly by: EdgeKind | null;
}

export interface Impact {
  readonly focus: Place;
  readonly reached: ReadonlyMap<string, Reached>;
  /** There is more than was walked. */
  readonly cut: boolean;
}

/** As many assets are walked through, at most. */
export const MOST_REACHED = 50_000;
/** Neighbours of one asset. */
const MOST_NEIGHBOURS = 10_000;
const MOST_MEMBERS = 10_000;
/** What is asked for at a time. */
const FRONTIER = 1_000;

/** How something was reached. */
type How = Omit<Reached, 'place'>;

/** The kind of what was reached; an endpoint that nobody sent as an asset is a dataset, or a column of one. */
export const kindOf = ({ kind, parent }: Place): AssetKind => kind ?? (parent === null ? 'dataset' : 'column');

/** A walk that takes the sure edges first, so that everything is reached by the surest way there is. */
class Walk {
  readonly reached = new Map<string, Reached>();
  cut = false;
  /** By confidence: what is still to be gone on from. */
  readonly #waiting: string[][] = CONFIDENCES.map(() => []);
  readonly #opened = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #sql: Queries;
  readonly #organisationId: string;
  readonly #query: ImpactQuery;

  constructor(sql: Queries, organisationId: string, query: ImpactQuery) {
    this.#sql = sql;
    this.#organisationId = organisationId;
    this.#query = query;
  }

  /** @param ends nothing is reached from there: an app does not depend on all that one of its fields does */
  async put(found: ReadonlyMap<string, How>, ends = false): Promise<void> {
    const news: string[] = [];
    for (const [key, how] of found) {
      const before = this.reached.get(key);
      const stays = before !== undefined && !isSurer(how.confidence, before.confidence);
      if (before === undefined && this.reached.size + news.length >= MOST_REACHED) {
        this.cut = true;
        continue;
      }
      if (before === undefined) news.push(key);
      else if (!stays) this.reached.set(key, { ...how, place: before.place });
      // What only ended here goes on when a real edge leads to it.
      if (ends || (stays && this.#opened.has(key))) continue;
      this.#opened.add(key);
      this.#waiting[CONFIDENCES.indexOf(stays ? before.confidence : how.confidence)]?.push(key);
    }
    for (const place of await placesOf(this.#sql, this.#organisationId, news)) {
      const how = found.get(place.key);
      if (how) this.reached.set(place.key, { ...how, place });
    }
  }

  async run(): Promise<void> {
    for (const waiting of this.#waiting)
      while (waiting.length > 0) {
        const frontier = waiting
          .splice(0, FRONTIER)
          .filter((key) => !this.#ended.has(key))
          .flatMap((key) => this.reached.get(key) ?? []);
        for (const { place } of frontier) this.#ended.add(place.key);
        await this.put(await this.#neighbours(frontier, 'column'));
      }
  }

  async #neighbours(frontier: readonly Reached[], level: Level): Promise<Map<string, How>> {
    const { direction } = this.#query;
    const places = frontier.map(({ place }) => place);
    const options = { filter: this.#query, breadth: MOST_NEIGHBOURS };
    const { found: steps, cut } = await stepsFrom(this.#sql, this.#organisationId, places, level, direction, options);
    // At the level of tables what is only named alike is passed over.
    if (cut.size > 0 && level === 'column') this.cut = true;
    const found = new Map<string, How>();
    for (const at of frontier) {
      const list = steps.get(at.place.key) ?? [];
      if (list.length > MOST_NEIGHBOURS) this.cut = true;
      for (const { other, kind, ...edge } of list) {
        if (level === 'table' && kind === 'derives') continue;
        const confidence = lessSure(at.confidence, edge.confidence ?? 'confirmed');
        const known = found.get(other);
        if (known && !isSurer(confidence, known.confidence)) continue;
        const conditional = at.conditional || edge.conditional;
        found.set(other, { distance: at.distance + 1, confidence, conditional, from: at.place.key, by: kind });
      }
    }
    return found;
  }

  /** What lies in a whole, as if an edge led to each. */
  async addMembers(whole: Reached): Promise<void> {
    const members = await membersOf(this.#sql, this.#organisationId, whole.place, MOST_MEMBERS);
    if (members.length > MOST_MEMBERS) this.cut = true;
    const { confidence, conditional, distance } = whole;
    const how: How = { distance: distance + 1, confidence, conditional, from: whole.place.key, by: 'contains' };
    await this.put(new Map(members.map((key) => [key, how])));
  }

  /** What an app stores, with all its columns, or what it loads. */
  async addDatasets(app: Reached): Promise<void> {
    const found = await this.#neighbours([app], 'table');
    await this.put(found);
    if (this.#query.direction === 'up') return;
    for (const key of found.keys()) {
      const whole = this.reached.get(key);
      if (whole?.place.kind === 'app') await this.#addTaken(app, whole);
      else if (whole) await this.addMembers(whole);
    }
  }

  /** Of an app that loads another one whole: what it has of it, and nothing else that is in it. */
  async #addTaken(app: Reached, taker: Reached): Promise<void> {
    const keys = await membersOf(this.#sql, this.#organisationId, app.place, MOST_MEMBERS);
    if (keys.length > MOST_MEMBERS) this.cut = true;
    const fields = await placesOf(this.#sql, this.#organisationId, keys.slice(0, MOST_MEMBERS));
    const { conditional, distance } = taker;
    const found = new Map<string, How>();
    for (let from = 0; from < fields.length; from += FRONTIER) {
      const frontier = fields.slice(from, from + FRONTIER).map((place) => ({ ...app, place }));
      for (const [key, how] of await this.#neighbours(frontier, 'column'))
        if (key.startsWith(`${taker.place.key}/`))
          found.set(key, {
            ...{ confidence: lessSure(how.confidence, taker.confidence), conditional: conditional || how.conditional },
            ...{ distance: distance + 1, from: taker.place.key, by: 'contains' },
          });
    }
    await this.put(found);
  }

  /** The datasets in which a column was reached are reached; so are apps by what lies in them, downstream. */
  async addWholes(): Promise<void> {
    const isUp = this.#query.direction === 'up';
    const best = new Map<string, How>();
    for (const [key, { place, distance, confidence, conditional }] of this.reached) {
      const inside = place.app !== place.key && !isUp ? place.app : null;
      const whole = kindOf(place) === 'column' ? place.parent : place.kind === 'dataset' ? null : inside;
      // Its own dataset does not depend on the column that was asked about.
      if (whole === null || whole === this.#query.key || (distance === 0 && !isUp && kindOf(place) === 'column'))
        continue;
      const known = best.get(whole);
      const isNearer = known?.confidence === confidence && distance + 1 < known.distance;
      if (known === undefined || isSurer(confidence, known.confidence) || isNearer)
        best.set(whole, { distance: distance + 1, confidence, conditional, from: key, by: 'contains' });
    }
    await this.put(best, true);
  }

  /**
   * The apps that load or make datasets of which no more is known. Downstream of a column the apps that use it are known by
   * their fields.
   */
  async addApps(): Promise<void> {
    const isUp = this.#query.direction === 'up';
    const datasets = [...this.reached.values()].filter(
      ({ place, by }) => kindOf(place) === 'dataset' && (isUp || by !== 'contains'),
    );
    for (let from = 0; from < datasets.length; from += FRONTIER)
      await this.put(await this.#neighbours(datasets.slice(from, from + FRONTIER), 'table'), true);
  }
}

const START = { distance: 0, confidence: 'confirmed', conditional: false, from: null, by: null } as const;

/**
 * All that depends on an asset, or all that it comes from, through any number of apps: column by column where columns are
 * known, never through an app as a whole, which would make everything depend on everything. Undefined when nothing has
 * this key.
 */
export const findImpact = async (
  sql: Queries,
  organisationId: string,
  query: ImpactQuery,
): Promise<Impact | undefined> => {
  const [focus] = await placesOf(sql, organisationId, [query.key]);
  if (!focus || !(await isKnown(sql, organisationId, focus))) return undefined;
  const walk = new Walk(sql, organisationId, query);
  await walk.put(new Map([[focus.key, START]]));
  const start = { ...START, place: focus };
  if (focus.kind === 'app') await walk.addDatasets(start);
  // Downstream an app stands for what it stores: what is in it depends on it, as everybody knows.
  if (focus.kind !== 'app' || query.direction === 'up') await walk.addMembers(start);
  await walk.run();
  await walk.addWholes();
  await walk.addApps();
  walk.reached.delete(focus.key);
  return { focus, reached: walk.reached, cut: walk.cut };
};

/** The way to something that was reached, without the focus itself. */
export const pathTo = ({ reached }: Impact, key: string): Reached[] => {
  const path: Reached[] = [];
  for (let at = reached.get(key); at !== undefined; at = at.from === null ? undefined : reached.get(at.from))
    path.push(at);
  return path.reverse();
};

export interface Owner {
  readonly key: string | null;
  readonly name: string;
  readonly email: string | null;
}

/** Who owns these apps and sheets: by the edge that names them, else by what the asset says. */
export const ownersOf = async (
  sql: Queries,
  organisationId: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Owner>> => {
  const rows = await sql<(Owner & { of: string })[]>`
    select n.key as of, o.key, left(coalesce(o.name, a.owner ->> 'name', a.owner ->> 'id'), 300) as name,
      left(coalesce(o.email, a.owner ->> 'email'), 300) as email
    from unnest(${sql.array([...keys])}::text[]) as n(key)
      cross join lateral (select a.attributes -> 'owner' as owner from asset a
        where a.organisation_id = ${organisationId} and a.key = n.key limit 1) a
      left join lateral (select u.key, u.name, u.attributes ->> 'email' as email from edge e
          join asset u on u.organisation_id = e.organisation_id and u.key = e.from_key and u.kind = 'user'
        where e.organisation_id = ${organisationId} and e.to_key = n.key and e.kind = 'owns' order by u.key limit 1) o on true
    where o.key is not null or jsonb_typeof(a.owner) = 'object'`;
  return new Map(rows.flatMap(({ of, ...owner }) => (owner.name === null ? [] : [[of, owner] as const])));
};

/** Order of an answer: what is drawn first, kinds as people ask for them, then what is nearest. */
export const byKind =
  (kinds: readonly AssetKind[]) =>
  (a: Reached, b: Reached): number =>
    kinds.indexOf(kindOf(a.place)) - kinds.indexOf(kindOf(b.place)) ||
    a.distance - b.distance ||
    (a.place.key < b.place.key ? -1 : a.place.key > b.place.key ? 1 : 0);
