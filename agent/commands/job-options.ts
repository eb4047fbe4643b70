import { Fault } from '#protocol/errors.ts';
import type { JobSpec } from '#protocol/messages.ts';

/** What reads options: a schema of `protocol/job-options.ts`. */
interface OptionsSchema<T> {
  safeParse(options: unknown):
    | { readonly success: true; readonly data: T }
    | {
        readonly success: false;
        readonly error: {
          readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
        };
      };
}

/**
 * The options of a job, as its kind defines them.
 *
 * @throws Fault `bridge.protocol` when the catalog sent what no job of the kind can have; asking again would not help
 */
export const optionsOf = <T>(schema: OptionsSchema<T>, { kind, options }: JobSpec): T => {
  const read = schema.safeParse(options);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : ` (${issue.path.join('.')})`;
  throw new Fault('bridge.protocol', `The options of the ${kind}${where} are not understood: ${issue?.message}`, {
    retryable: false,
  });
};
