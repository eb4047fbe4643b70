import type { Environment } from '../proxy-environment.ts';

interface Expanded {
  readonly text: string;
  /** Variables in braces that are not set: their text stands as it was. */
  readonly unset: readonly string[];
}

/** `${NAME}` and `$NAME` filled in as OpenMetadata's loader does: what is not set stays as it stands. */
export const expandVariables = (text: string, env: Environment): Expanded => {
  const unset: string[] = [];
  const expanded = text.replaceAll(/\$(?:(\w+)|\{([^{}]*)\})/g, (whole, plain?: string, braced?: string) => {
    const name = plain ?? braced ?? '';
    const value = env[name];
    // Those of a secret manager were filled in before, or could not be.
    if (value === undefined && braced !== undefined && !/^\??secret_manager\./.test(braced)) unset.push(name);
    return value ?? whole;
  });
  return { text: expanded, unset };
};
