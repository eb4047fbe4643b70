import type { ContainerEntry, Properties } from '#agent/qlik/engine/calls.ts';
import { isTree, textAt } from './properties.ts';

/**
 * Where the properties of a master visualization lie that a crawl wants, for the list of objects to bring along: that
 * spares two calls for each of them.
 */
export const MASTER_POINTERS = {
  visualization: '/visualization',
  caption: '/title',
  subtitle: '/subtitle',
  footnote: '/footnote',
  orientation: '/orientation',
  cube: '/qHyperCubeDef',
  list: '/qListObjectDef',
  about: '/qMetaDef',
  color: '/color',
  lines: '/refLine',
  condition: '/showCondition',
  gauge: '/measureAxis',
} as const;

/** Charts whose dimensions and measures all lie in the one hypercube at the top. Others may have more (map layers, …). */
const ONE_CUBE: ReadonlySet<string> = new Set([
  'barchart',
  'combochart',
  'gauge',
  'kpi',
  'linechart',
  'listbox',
  'piechart',
  'pivot-table',
  'scatterplot',
  'sn-pivot-table',
  'sn-table',
  'table',
  'treemap',
  'waterfallchart',
]);

/** The properties that the list of objects brought along; undefined when the object has to be asked for all of them. */
export const listedProperties = ({ qData }: ContainerEntry): Properties | undefined => {
  const visualization = textAt(qData, 'visualization');
  if (!ONE_CUBE.has(visualization) || !isTree(qData) || !(isTree(qData['cube']) || isTree(qData['list']))) {
    return undefined;
  }
  return {
    visualization,
    title: qData['caption'],
    subtitle: qData['subtitle'],
    footnote: qData['footnote'],
    orientation: qData['orientation'],
    qHyperCubeDef: qData['cube'],
    qListObjectDef: qData['list'],
    qMetaDef: qData['about'],
    color: qData['color'],
    refLine: qData['lines'],
    showCondition: qData['condition'],
    measureAxis: qData['gauge'],
  };
};
