import type { Source } from '../result.ts';

/** A source as one text: what a key of the app's own is made of. */
export const sourceText = (source: Source): string => {
  switch (source.type) {
    case 'file':
      return source.table === undefined ? source.path : `${source.path}#${source.table}`;
    case 'object':
      return `connection:${source.connection}#${source.object}`;
    case 'inline':
    case 'autogenerate':
      return `${source.type}:`;
    case 'resident':
      return `resident:${source.table}`;
    case 'binary':
      return `binary:${source.path}`;
    case 'extension':
      return `extension:${source.name}`;
    default:
      return source satisfies never;
  }
};
