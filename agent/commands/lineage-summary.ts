import { AppLineage } from '#protocol/lineage.ts';

/** What an app's lineage comes to, without its diagnostics. */
interface Noted {
  readonly coverage: number | null;
  readonly total: number;
  readonly understood: number;
  readonly opaque: number;
  readonly diagnostics: number;
  readonly cut: boolean;
}

/** How well the scripts of a crawl were understood, for a person. */
export class LineageSummary {
  /** By scope: one that begins again counts once. */
  readonly #apps = new Map<string, Noted>();

  /** @param lineage the attribute of an app; undefined where there is no script */
  add(scope: string, lineage: unknown): void {
    const read = AppLineage.safeParse(lineage);
    if (!read.success) return;
    const { coverage, statements, diagnosticCount, cut } = read.data;
    this.#apps.set(scope, { ...statements, coverage, diagnostics: diagnosticCount, cut: cut !== undefined });
  }

  /** The scope begins afresh: what came of it before counts for nothing. */
  forget(scope: string): void {
    this.#apps.delete(scope);
  }

  /** Empty when no app has a script. */
  text(): string {
    const apps = [...this.#apps.values()];
    if (apps.length === 0) return '';
    const sum = (of: (app: Noted) => number): number => apps.reduce((all, app) => all + of(app), 0);
    const known = apps.flatMap(({ coverage }) => (coverage === null ? [] : [coverage]));
    const mean = known.reduce((all, one) => all + one, 0) / Math.max(1, known.length);
    const [total, understood] = [sum((app) => app.total), sum((app) => app.understood)];
    const cut = apps.filter((app) => app.cut).length;
    const rows: [string, string][] = [
      ['apps with a script', String(apps.length)],
      ['fields explained', known.length === 0 ? 'not known' : `${share(mean)} on average of ${known.length} apps`],
      ['apps under 80 %', String(known.filter((one) => one < LOW).length)],
      ['statements', `${total}, understood ${understood}${total === 0 ? '' : ` (${share(understood / total)})`}`],
      ['statements not read', String(sum((app) => app.opaque))],
      ['diagnostics', String(sum((app) => app.diagnostics))],
      ...(cut === 0 ? [] : [['apps cut by a limit', String(cut)] as [string, string]]),
    ];
    return ['Lineage', ...rows.map(([name, value]) => `  ${name.padEnd(22)}${value}`)].join('\n');
  }
}

const LOW = 0.8;

/** Never rounded up to all of it. */
const share = (part: number): string => `${Math.floor(part * 1000) / 10} %`;
