import { openMetadataSource } from '../openmetadata/recognise.ts';
import type { Environment } from '../proxy-environment.ts';
import { planFromConnectionFile } from './from-connection-file.ts';
import { planFromOpenMetadata } from './from-openmetadata.ts';
import type { ImportContext, ImportPlan } from './plan.ts';
import { readSource } from './source.ts';

/** Plans how a file of OpenMetadata or Zeenea becomes a connection file. Nothing is written. */
export const planImport = (bytes: Uint8Array, context: ImportContext, env: Environment): ImportPlan => {
  const source = readSource(bytes, context.file, context.folder, env);
  const { tree } = source;
  if (tree === undefined || tree.type !== 'object')
    return { type: 'refused', problems: source.problems.filter(({ severity }) => severity === 'error') };
  const kind = openMetadataSource(tree);
  if (kind === 'qliksense') return planFromOpenMetadata(tree, context, env);
  if (kind === undefined) return planFromConnectionFile(tree, source, context);
  return {
    type: 'refused',
    problems: [
      {
        severity: 'error',
        code: 'config.invalid',
        message: 'This is an ingestion file of OpenMetadata for another source than Qlik Sense.',
        advice: 'Name the one with source.type: qliksense.',
        file: context.file,
      },
    ],
  };
};
