import type { ScriptLineage, Wanted } from '#agent/lineage/result.ts';
import { redactText } from '#config/redaction/rules.ts';
import { type ErrorCode, Fault } from '#protocol/errors.ts';
import type { Missing } from '#protocol/records.ts';
import { missing } from '../missing.ts';
import type { LineageGraph } from './graph.ts';

const SHOWN = 5;
const MOST_NAME = 120;

const KINDS: Readonly<
  Record<Wanted['type'], { readonly code: ErrorCode; readonly what: string; readonly says: string }>
> = {
  include: {
    code: 'lineage.include_unknown',
    what: 'lineage through included scripts',
    says: 'The script includes others that could not be read',
  },
  connection: {
    code: 'lineage.connection_unknown',
    what: 'lineage to databases and files by data connections',
    says: 'The script uses data connections that are not known',
  },
  qvd: {
    code: 'lineage.columns_unknown',
    what: 'columns of files that are read whole',
    says: 'The script takes all columns of files whose heads could not be read',
  },
  columns: {
    code: 'lineage.columns_unknown',
    what: 'columns of files that are read whole',
    says: 'The script takes all columns of sources whose columns are not known',
  },
  variable: {
    code: 'lineage.variable_unknown',
    what: 'lineage by variables',
    says: 'The script names what it reads by variables whose values are not known',
  },
};

const APPS = {
  what: 'lineage to apps that are loaded whole',
  says: 'BINARY takes what none of the apps of the site is, or what more of them are called than can be told apart',
};

const shortened = (name: string): string => redactText(name).slice(0, MOST_NAME);

/**
 * What the lineage of an app lacks and what would give it, one for each way. None of it makes the scope partial: whatever
 * else is in the app was read, and what is gone of it is gone.
 */
export const lineageGaps = (
  { wanted, cut }: ScriptLineage,
  { left, unknownApps }: Pick<LineageGraph, 'left' | 'unknownApps'>,
): Missing[] => {
  const byCode = new Map<ErrorCode, { what: string; says: string; names: Set<string> }>();
  for (const { type, name } of wanted) {
    const { code, what, says } = KINDS[type];
    const found = byCode.get(code) ?? { what, says, names: new Set<string>() };
    byCode.set(code, found);
    found.names.add(shortened(name));
  }
  if (unknownApps.length > 0)
    byCode.set('lineage.app_unknown', { ...APPS, names: new Set(unknownApps.map(shortened)) });
  const gaps = [...byCode].map(([code, { what, says, names }]) => {
    const shown = [...names].slice(0, SHOWN).join(', ');
    const more = names.size > SHOWN ? ` and ${names.size - SHOWN} more` : '';
    return missing(what, new Fault(code, `${says}: ${shown}${more}`));
  });
  if (cut !== undefined)
    gaps.push(
      missing(
        'lineage of the whole script',
        new Fault('lineage.too_large', `The interpretation was cut short: ${cut}`),
      ),
    );
  if (left > 0)
    gaps.push(
      missing(
        'some edges of lineage',
        new Fault('lineage.too_large', `${left} edges and columns were left out: there are too many`),
      ),
    );
  return gaps;
};
