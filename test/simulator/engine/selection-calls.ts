/** Calls that select: in fields, list boxes and hypercubes. */
import type { DocumentView } from './document-view.ts';
import { EngineError } from './errors.ts';
import type { Held, Json } from './held.ts';
import { fieldAt } from './hypercube.ts';
import { elementsMatching, valueText } from './selections.ts';
import type { Call, Outputs } from './session.ts';

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const numbers = (value: unknown): readonly number[] =>
  list(value).filter((item): item is number => typeof item === 'number' && Number.isInteger(item) && item >= 0);
/** More than so many elements are not kept apart. */
const MAX_ELEMENTS = 100_000;
const all = (cardinal: number): readonly number[] =>
  Array.from({ length: Math.min(cardinal, MAX_ELEMENTS) }, (_, element) => element);

/** The dimension of a list box, or one of a hypercube. */
const dimensionOf = (definition: Json, index: number): unknown =>
  Array.isArray(definition['qDimensions']) ? definition['qDimensions'][index] : definition;

const inField = ({ session, method, args }: Call, name: string, cardinal: number): boolean | null => {
  const { selections } = session;
  const toggle = args['qToggleMode'] === true;
  switch (method) {
    case 'Select':
    case 'ToggleSelect': {
      const meant = elementsMatching(name, cardinal, String(args['qMatch'] ?? ''));
      return selections.select(name, meant, method === 'ToggleSelect');
    }
    case 'SelectValues': {
      const texts = new Set(list(args['qFieldValues']).map((value) => String((value as Json | null)?.['qText'] ?? '')));
      const meant = all(cardinal).filter((element) => texts.has(valueText(name, element)));
      return selections.select(name, meant, toggle);
    }
    case 'LowLevelSelect': {
      const meant = numbers(args['qValues']).filter((element) => element < cardinal);
      return selections.select(name, meant, toggle);
    }
    case 'SelectAll':
      return selections.select(name, all(cardinal), false);
    case 'SelectPossible':
      return true;
    case 'Clear':
      selections.clear(name);
      return true;
    case 'ClearAllButThis':
      selections.clearAll(name);
      return true;
    default:
      return null;
  }
};

/**
 * Null when the call is none of these. The elements stand in a layout's `qElemNumber`; of an app without data nothing can
 * be selected. `at` finds the definition at a path of the object. @throws EngineError -32602 for a path that leads nowhere
 */
export function selectionCall(call: Call, held: Held, view: DocumentView, at: (path: string) => Json): Outputs | null {
  const { session, method, args } = call;
  if (held.kind === 'field') {
    const cardinal = view.content.fields.find((field) => field.name === held.name)?.cardinal ?? 0;
    const done = inField(call, held.name, cardinal);
    if (done === null) return null;
    session.changeAll();
    return { qReturn: done };
  }
  const select = (dimension: unknown, elements: (cardinal: number) => readonly number[]): Outputs => {
    const field = fieldAt(dimension, view);
    if (!field) return { qSuccess: false };
    const meant = elements(field.cardinal).filter((element) => element < field.cardinal);
    const qSuccess = session.selections.select(field.name, meant, args['qToggleMode'] === true);
    if (qSuccess) session.changeAll();
    return { qSuccess };
  };
  switch (method) {
    case 'SelectListObjectValues':
      return select(at(String(args['qPath'])), () => numbers(args['qValues']));
    case 'SelectListObjectAll':
      return select(at(String(args['qPath'])), all);
    case 'SelectHyperCubeValues': {
      const dimension = dimensionOf(at(String(args['qPath'])), Number(args['qDimNo']));
      if (dimension === undefined) throw new EngineError(-32602, 'qDimNo');
      return select(dimension, () => numbers(args['qValues']));
    }
    case 'ClearSelections': {
      const definition = at(String(args['qPath']));
      for (const dimension of Array.isArray(definition['qDimensions']) ? definition['qDimensions'] : [definition]) {
        const field = fieldAt(dimension, view);
        if (field) session.selections.clear(field.name);
      }
      session.changeAll();
      return {};
    }
    default:
      return null;
  }
}
