import type { DataModel, ModelField } from './data-model.ts';

/** Names of fields as expressions pick them. */
export const namesByUse = (fields: readonly ModelField[]): Pick<DataModel, 'numbers' | 'texts' | 'dates' | 'flags'> => {
  const names = (role: ModelField['role']): string[] => [
    ...new Set(fields.filter((field) => field.role === role).map(({ name }) => name)),
  ];
  return {
    numbers: names('number'),
    texts: [...names('text'), ...names('flag')],
    flags: names('flag'),
    dates: names('date'),
  };
};
