import type { Role } from '../result.ts';
import type { FieldItem, LoadStep, Prefix, Step } from '../script/syntax.ts';
import type { Expression } from '../syntax/expression.ts';
import { expressionOrigins, type Reading, tableNamed } from './expression-origins.ts';
import { NO_ORIGINS, type Origins, union } from './origins.ts';
import type { WrittenStep } from './pending.ts';
import type { Here } from './session.ts';
import { shaped } from './shapes.ts';
import { readSelect, readSource } from './sources.ts';
import type { State } from './state.ts';
import { type Field, joinOpens, lookUp, type Open, type Row } from './tables.ts';
import { holesIn } from './values.ts';

/** What the steps of a load give, before it is placed among the tables. */
export interface Loaded extends Row {
  readonly influences: Origins;
  /** The name that the table gets without a label. */
  readonly implicit: string;
  /** It is the call of a procedure, and no LOAD stands above it that asks for its rows. */
  readonly calls?: true | undefined;
  /** A statement for the database that gives no rows. */
  readonly rowless?: boolean | undefined;
}

/** Runs the steps of a load from the source upwards. `prefixes`: of the uppermost. */
export const runSteps = (
  steps: readonly WrittenStep[],
  prefixes: readonly Prefix[],
  state: State,
  around: Here,
): Loaded => {
  let below: Loaded | undefined;
  for (const [index, { step, text }] of steps.toReversed().entries()) {
    const here = { ...around, text };
    const given = stepRow(step, below, state, here);
    const own = index === steps.length - 1 ? [...prefixes, ...step.prefixes] : step.prefixes;
    let { fields, opens } = given;
    for (const prefix of own) ({ fields, opens } = shaped({ fields, opens, direct: undefined }, prefix, state, here));
    here.session.made(fields.size);
    below = { ...given, fields, opens };
  }
  return below ?? { fields: new Map(), opens: [], direct: undefined, influences: NO_ORIGINS, implicit: '' };
};

const stepRow = (step: Step, below: Loaded | undefined, state: State, here: Here): Loaded => {
  if (step.type === 'select') {
    const row = readSelect(step, state, here);
    return { ...row, implicit: lastPart(row.named ?? '') };
  }
  const all = step.fields.some((item) => item.type === 'all' || isHole(item));
  const { source } = step;
  const input =
    source !== undefined
      ? readSource(source, state, here, all)
      : (below ?? { fields: new Map(), opens: [], direct: undefined });
  // A table that the text does not make must not seem to be made of itself.
  const unmade = source?.type === 'resident' && tableNamed(source.table, state) === undefined;
  const implicit = source === undefined ? (below?.implicit ?? '') : unmade ? `${source.table}-1` : implicitName(step);
  const inherited =
    source === undefined
      ? (below?.influences ?? NO_ORIGINS)
      : source.type === 'resident'
        ? (tableNamed(source.table, state)?.influences ?? NO_ORIGINS)
        : NO_ORIGINS;
  return { ...loadStep(step, input, inherited, state, here), implicit };
};

/** An expansion in the place of fields: it may have stood for any of them. */
const isHole = (item: FieldItem): boolean =>
  item.type === 'field' && !item.aliased && (item.expression.type === 'expansion' || isHoleName(item.expression));

const isHoleName = (expression: Expression): boolean =>
  expression.type === 'name' &&
  expression.name.startsWith('$(') &&
  expression.quote === '' &&
  /^\$\([^)]*\)$/.test(expression.name);

const loadStep = (
  step: LoadStep,
  input: Row,
  inherited: Origins,
  state: State,
  here: Here,
): Omit<Loaded, 'implicit'> => {
  const items = new Map<string, FieldItem & { readonly type: 'field' }>();
  for (const item of step.fields) if (item.type === 'field' && !isHole(item)) items.set(item.name, item);
  const made = new Map<string, Origins>();
  const making = new Set<string>();
  const originsOf = (name: string): Origins | undefined => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const item = items.get(name);
    if (item === undefined) return lookUp(input, name);
    if (making.has(name)) return NO_ORIGINS;
    making.add(name);
    const origins = expressionOrigins(item.expression, reading);
    making.delete(name);
    made.set(name, origins);
    return origins;
  };
  const reading: Reading = { row: input, state, output: originsOf, ...complaints(here) };
  const fields = new Map<string, Field>();
  let opens: readonly Open[] = [];
  for (const item of step.fields) {
    if (item.type === 'all' || isHole(item)) {
      if (item.type === 'all') {
        for (const [name, field] of input.fields) {
          if (!items.has(name)) fields.set(name, { ...field, expression: undefined });
        }
      } else reading.unreadable('$(…)');
      const beyond = input.direct !== undefined && input.fields.size === 0 ? [input.direct] : [];
      opens = joinOpens(opens, [...input.opens, ...beyond]);
      continue;
    }
    if (item.type === 'unreadable') reading.unreadable('');
    if (item.type !== 'field') continue;
    const plain = item.expression.type === 'name';
    const expression = plain ? undefined : here.text.slice(item.expression.span.start, item.expression.span.end);
    fields.set(item.name, { name: item.name, origins: originsOf(item.name) ?? NO_ORIGINS, expression });
  }
  return {
    fields,
    opens: opens.map((open) => ({ ...open, except: new Set([...open.except, ...items.keys()]) })),
    direct: undefined,
    influences: union(inherited, deciders(step, reading)),
  };
};

const complaints = ({ session, circumstances }: Here): Pick<Reading, 'missing' | 'unreadable'> => ({
  missing: (name) =>
    session.say('info', 'field-missing', `nothing that is read here has a field ${name}`, circumstances.place),
  unreadable: (text) => {
    const holes = holesIn(`$(${text})`);
    // What the script sets to a value that only a reload knows brings no fields with it.
    if (holes.length > 0 && holes.every((hole) => !hole.endsWith('@0'))) return;
    session.say(
      'warning',
      holes.length > 0 || text.includes('$(') ? 'hole' : 'expression',
      'an expression could not be read in full: it depends on a value that only a reload knows, or is none',
      circumstances.place,
    );
  },
});

/** What stands in WHERE makes no field: nothing is missing when it is not known. */
const nothing = (): void => {};

const deciders = (step: LoadStep, reading: Reading): Origins => {
  const { where, groupBy, orderBy } = step;
  if (where === undefined && step.while === undefined && groupBy.length + orderBy.length === 0) return NO_ORIGINS;
  const of = (list: readonly (Expression | undefined)[], role: Role): readonly Origins[] =>
    list.map((expression) =>
      expression === undefined
        ? NO_ORIGINS
        : expressionOrigins(expression, { ...reading, missing: nothing, unreadable: nothing }, role),
    );
  return union(...of([where, step.while], 'filter'), ...of(groupBy, 'group'), ...of(orderBy, 'sort'));
};

const implicitName = ({ source }: LoadStep): string => {
  switch (source?.type) {
    case 'file': {
      const sheet = /^(?:ooxml|biff)$/.test(source.format.kind) ? source.format.table : undefined;
      return sheet ?? lastPart(source.path.replaceAll('\\', '/').split('/').at(-1) ?? '', true);
    }
    case 'resident':
      return source.table;
    case 'fromField':
      return source.field;
    case 'extension':
      return source.name;
    case 'inline':
      return 'INLINE';
    case 'autogenerate':
      return 'AUTOGENERATE';
    case undefined:
      return '';
    default:
      return source satisfies never;
  }
};

/** `Orders` of `dbo.Orders`; of a file what stands in front of its last dot. */
const lastPart = (name: string, file = false): string => {
  const at = name.lastIndexOf('.');
  if (at <= 0) return name;
  return file ? name.slice(0, at) : name.slice(at + 1);
};
