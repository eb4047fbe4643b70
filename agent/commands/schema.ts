import { schemas } from '#config/schema/build.ts';
import { Fault } from '#protocol/errors.ts';
import { USAGE } from './exit-codes.ts';

/**
 * Prints the JSON Schema of connection files or of `agent.conf`.
 *
 * @throws Fault `config.invalid` for another name
 */
export const printSchema = (what: string): void => {
  const schema = schemas()[`${what}.schema.json`];
  if (schema === undefined) {
    process.exitCode = USAGE;
    throw new Fault('config.invalid', 'There is no schema of that name', {
      advice: 'Write: culvert schema connection, or: culvert schema agent.',
    });
  }
  process.stdout.write(schema);
};
