import { basename } from 'node:path';
import type { Problem } from '#protocol/status.ts';
import { readDocument } from '../connection/document.ts';
import { Problems } from '../connection/problem.ts';
import { Values } from '../connection/values.ts';
import { type FileReader, MAX_FILE_BYTES } from '../files.ts';
import { POLICY_KEYS } from './keys.ts';
import { type Policy, readPolicy } from './policy.ts';

/** The policy file that `agent.conf` names, as it stands. */
export type PolicyFile =
  | { readonly type: 'none' }
  | { readonly type: 'policy'; readonly file: string; readonly policy: Policy }
  | { readonly type: 'broken'; readonly file: string; readonly problems: readonly Problem[] };

/** Reads a policy file (HOCON, or YAML or JSON by its name). Never throws for a bad or missing file. */
export const loadPolicy = (
  path: string,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  read: FileReader,
): PolicyFile => {
  const file = basename(path);
  const broken = (problems: Problems): PolicyFile => ({ type: 'broken', file, problems: problems.list() });
  const content = read(path);
  if (content.type !== 'file' || content.bytes.byteLength > MAX_FILE_BYTES) {
    const problems = new Problems(file);
    const reason = content.type === 'file' ? 'it is larger than 1 MiB' : content.reason;
    problems.error(
      'config.unreadable',
      undefined,
      `The policy ${path} cannot be read: ${reason}.`,
      'Put the file there, or remove policy from agent.conf if this agent is to have none.',
    );
    return broken(problems);
  }
  const includes = new Map<string, boolean>();
  const noting: FileReader = (name) => {
    const found = read(name);
    const stem = name.replace(/\.(?:conf|hocon|json)$/, '');
    includes.set(stem, includes.get(stem) === true || found.type !== 'missing');
    return found;
  };
  const { tree, problems, emptyAt } = readDocument(content.bytes, file, { folder, env, read: noting });
  if (tree === undefined) return broken(problems);
  // HOCON leaves out what is not there; what it was to forbid would be allowed.
  for (const [name, isThere] of includes)
    if (!isThere)
      problems.error(
        'config.invalid',
        undefined,
        `The policy includes ${basename(name)}, which is not there.`,
        'Put the file there, or take the include out.',
      );
  const policy = readPolicy(new Values(tree, POLICY_KEYS, problems, emptyAt), POLICY_KEYS, '', tree, problems);
  return problems.failed ? broken(problems) : { type: 'policy', file, policy };
};
