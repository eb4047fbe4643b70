import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const table = z.strictObject({
  /** null: Qlik makes the name up, and which one nobody is sure of. */
  name: z.string().nullable(),
  final: z.boolean(),
  /** Source and column of each value; none for a field that is made of nothing. */
  fields: z.record(z.string(), z.array(z.tuple([z.string(), z.string()]))),
  /** Fields, with `*`, of which the text alone does not tell. */
  unsure: z.array(z.string()).optional(),
});

const label = z.strictObject({
  repository: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  path: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  character: z.string(),
  /** There are tables besides, which are not labelled. */
  otherTables: z.boolean().optional(),
  tables: z.array(table),
  /** Absent: the text alone does not tell. */
  stores: z.array(z.strictObject({ target: z.string(), table: z.string() })).optional(),
});

/** What a person found in a script of the corpus by Qlik's rules. */
export type Label = z.infer<typeof label>;
export type LabelledTable = z.infer<typeof table>;

/**
 * The labels in a folder, by file.
 *
 * @throws when a file is no label.
 */
export function labelsIn(folder: string): ReadonlyMap<string, Label> {
  const files = globSync('*.json', { cwd: folder }).sort();
  return new Map(files.map((file) => [file, label.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))]));
}
