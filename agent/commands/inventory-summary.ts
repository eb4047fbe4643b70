import { hanging } from '#config/connection/problem.ts';
import type { ItemRecord } from '#protocol/inventory.ts';

type Kind = ItemRecord['kind'];
const KINDS: readonly Kind[] = ['stream', 'app', 'sheet'];

/** So many names are kept of what a rule keeps or rejects, of each kind. */
const SHOWN_NAMES = 5;
const SHOWN_CHARS = 60;

interface Group {
  count: number;
  readonly names: string[];
}
type Groups = Record<Kind, Group>;

const groups = (): Groups => ({
  stream: { count: 0, names: [] },
  app: { count: 0, names: [] },
  sheet: { count: 0, names: [] },
});

/** What one rule says of a site; `rule` is null for what no rule decided. */
export interface RuleSummary {
  readonly rule: string | null;
  readonly kept: Groups;
  readonly rejected: Groups;
}

const counted = (count: number, kind: Kind): string => `${count} ${kind}${count === 1 ? '' : 's'}`;

/** Counts what a filter keeps and rejects, rule by rule, without keeping the items. */
export class InventorySummary {
  readonly #rules = new Map<string, RuleSummary>();
  readonly #none: RuleSummary = { rule: null, kept: groups(), rejected: groups() };
  readonly kept = groups();
  readonly rejected = groups();

  constructor(rules: readonly string[]) {
    for (const rule of rules) this.#rules.set(rule, { rule, kept: groups(), rejected: groups() });
  }

  add({ kind, name, kept, rule }: ItemRecord): void {
    let summary = rule === undefined ? this.#none : this.#rules.get(rule);
    if (summary === undefined) {
      // One of so many rules that the list of them was cut.
      summary = { rule: rule ?? null, kept: groups(), rejected: groups() };
      if (rule !== undefined) this.#rules.set(rule, summary);
    }
    for (const all of [summary, this]) {
      const group = (kept ? all.kept : all.rejected)[kind];
      group.count += 1;
      if (group.names.length < SHOWN_NAMES) group.names.push(name);
    }
  }

  /** In the order in which they are tried; at last what no rule decided. */
  get rules(): readonly RuleSummary[] {
    return [...this.#rules.values(), this.#none];
  }

  /** For people, in lines of at most `width` columns. */
  text(title: string, width: number): string {
    const totals = KINDS.map((kind) => {
      const kept = this.kept[kind].count;
      return `${kept} of ${counted(kept + this.rejected[kind].count, kind)}`;
    });
    const lines = [hanging('', `${title}: ${totals.join(', ')} kept.`, width)];
    for (const summary of this.rules) {
      const said = sentences(summary);
      if (summary.rule === null && said.length === 0) continue;
      lines.push('', hanging('', summary.rule ?? 'without a rule', width));
      for (const [head, names] of said.length === 0 ? [['decides nothing', ''] as const] : said)
        lines.push(hanging(`  ${head}`, names, width));
    }
    return `${lines.join('\n')}\n`;
  }
}

const sentences = ({ kept, rejected }: RuleSummary): (readonly [head: string, names: string])[] =>
  (
    [
      ['keeps', kept],
      ['rejects', rejected],
    ] as const
  ).flatMap(([verb, all]) =>
    KINDS.filter((kind) => all[kind].count > 0).map((kind) => {
      const { count, names } = all[kind];
      const shown = names.map((name) => (name.length > SHOWN_CHARS ? `${name.slice(0, SHOWN_CHARS - 1)}…` : name));
      const more = count - names.length;
      return [
        `${verb} ${counted(count, kind)}: `,
        `${shown.map((name) => (name.trim() === '' ? '(no name)' : name)).join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
      ] as const;
    }),
  );
