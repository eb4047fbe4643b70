import { schemas } from '#config/schema/build.ts';
import { Fault } from '#protocol/errors.ts';
import { USAGE } from './exit-codes.ts';

/**
 * Prints the JSON Schema of connection files, of `agent.conf` or of the policy file.
 *
 * @throws Fault `config.invalid` for another name
 */
export const printSchema = (what: string): void => {
  const schema = schemas()[`${what}.schema.json`];
  if (schema === undefined) {
    process.exitCode = USAGE;
    throw new Fault('config.invalid', 'There is no schema of that name', {
      advice: 'Write: culvert schema connection, culvert schema agent, or culvert schema policy.',
    });
  }
  process.stdout.write(schema);
};
