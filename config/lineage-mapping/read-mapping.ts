import { createHash } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import { readDocument } from '../connection/document.ts';
import type { Problems } from '../connection/problem.ts';
import { serverPath } from '../connection/server-path.ts';
import type { SideFiles } from '../connection/side-files.ts';
import type { Values } from '../connection/values.ts';
import { namePattern } from '../filter/pattern.ts';
import { PatternError } from '../filter/regex.ts';
import type { Tree } from '../tree.ts';
import { Entry, type Report } from './entry.ts';
import type { AppNamed, LineageMapping, MappedEdge, MappedVariable } from './lineage-mapping.ts';

/** The key of a connection file that names its mapping file. */
export const MAPPING_KEY = 'crawl.lineage_mapping';

const MOST_ENTRIES = 5_000;
const TOP = ['variables', 'apps', 'paths', 'databases', 'services', 'edges'] as const;
const NAMESPACE = /^(?:bigquery|[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/?#@]{1,300}(?:\/[^\s/?#@]{1,100})?)$/i;

/**
 * The mapping file that a connection names; undefined when it names none, or one that cannot be used: then what is wrong is
 * told, with its line. Of a file that lies elsewhere than the connection's own only that it is wrong.
 */
export const readLineageMapping = (
  values: Values,
  files: SideFiles,
  problems: Problems,
  { folder, env }: { readonly folder: string; readonly env: Readonly<Record<string, string | undefined>> },
): LineageMapping | undefined => {
  const found = values.text(MAPPING_KEY);
  if (found === undefined) return undefined;
  const content = files.readShown(found.value.trim());
  if (content.type !== 'file') {
    problems.error(
      'config.unreadable',
      found.at,
      `The file that ${MAPPING_KEY} names cannot be used: ${content.type === 'folder' ? 'it is a folder' : content.reason}.`,
      'Check the path: it is relative to the folder of this file, or absolute.',
    );
    return undefined;
  }
  const shown = dirname(content.realPath).startsWith(resolve(folder));
  const report: Report = (at, message, advice) => {
    if (shown) problems.error('config.invalid', at, message, advice);
    else
      problems.error(
        'config.invalid',
        found.at,
        `The file that ${MAPPING_KEY} names is wrong in line ${at.line}.`,
        'culvert validate shows more when the file is in the folder of the connection.',
      );
  };
  const file = basename(files.pathOf(found.value.trim()));
  return parseLineageMapping(content.bytes, file, { folder, env, read: files.read }, report);
};

/** The mapping that the bytes of a file are; undefined when they cannot be read at all. What is wrong is reported. */
export const parseLineageMapping = (
  bytes: Buffer,
  file: string,
  where: Parameters<typeof readDocument>[2],
  report: Report,
): LineageMapping | undefined => {
  const document = readDocument(bytes, file, where);
  for (const { message, advice, line = 1, column = 1, severity } of document.problems.list())
    if (severity === 'error') report({ file, line, column }, message, advice);
  const { tree } = document;
  if (tree === undefined) return undefined;
  return new MappingReader(report).read(tree, createHash('sha256').update(bytes).digest('hex'));
};

class MappingReader {
  readonly #report: Report;
  #entries = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  read(tree: Tree, digest: string): LineageMapping {
    const top = new Entry(tree, 'The mapping file', this.#report);
    top.only(TOP);
    return {
      variables: [
        ...this.#variables(top.tree('variables'), undefined),
        ...this.#list(top, 'apps').flatMap((entry) => {
          entry.only(['app', 'variables']);
          return this.#variables(entry.tree('variables'), this.#apps(entry));
        }),
      ],
      paths: this.#list(top, 'paths').flatMap((entry) => {
        entry.only(['from', 'to']);
        const [written, to] = [entry.text('from', 'lib://QVD'), entry.text('to', '//server/share/qvd')];
        if (written === undefined || to === undefined) return [];
        const from = serverPath(written);
        if (from !== undefined) return [{ from, to }];
        entry.wrong(
          'from',
          'from is neither lib://Connection nor an absolute path.',
          'Write from = "lib://QVD", from = "D:/QVD" or from = "//server/share".',
        );
        return [];
      }),
      databases: this.#list(top, 'databases').flatMap((entry) => {
        entry.only(['connection', 'is', 'database', 'schema']);
        const [connection, namespace] = [entry.text('connection', 'ERP'), entry.text('is', 'oracle://host:1521')];
        if (connection === undefined || namespace === undefined) return [];
        if (NAMESPACE.test(namespace))
          return [{ connection, namespace, database: entry.optional('database'), schema: entry.optional('schema') }];
        entry.wrong(
          'is',
          'is must say where a database is: what kind of one, its host and its port, and nothing else.',
          'Write is = "oracle://erp.example.com:1521"; the name of the database stands in database.',
        );
        return [];
      }),
      services: this.#list(top, 'services').flatMap((entry) => {
        entry.only(['place', 'service']);
        const place = entry.text('place', 'oracle://host:1521/PROD');
        const service = entry.text('service', 'erp_prod.PROD');
        return place === undefined || service === undefined ? [] : [{ place, service }];
      }),
      edges: this.#list(top, 'edges').flatMap((entry) => this.#edge(entry) ?? []),
      digest,
    };
  }

  #list(top: Entry, name: (typeof TOP)[number]): readonly Entry[] {
    const entries = top.list(name);
    this.#entries += entries.length;
    if (this.#entries <= MOST_ENTRIES) return entries;
    top.wrong(name, `The mapping file has more than ${MOST_ENTRIES} entries.`, 'Keep those that are needed.');
    return [];
  }

  #variables(tree: Tree | undefined, isIn: MappedVariable['isIn']): readonly MappedVariable[] {
    if (tree === undefined) return [];
    return new Entry(tree, 'variables', this.#report).texts().map(([name, value]) => ({ name, value, isIn }));
  }

  /** Fits no app when the pattern is wrong, which was told. */
  #apps(entry: Entry): (app: AppNamed) => boolean {
    const written = entry.text('app', 'Sales*');
    if (written === undefined) return () => false;
    try {
      const pattern = namePattern(written);
      return ({ id, name }) => id.toLowerCase() === written.toLowerCase() || pattern.matches(name);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      entry.wrong('app', error.message, error.advice);
      return () => false;
    }
  }

  #edge(entry: Entry): MappedEdge | undefined {
    entry.only(['app', 'dataset', 'field', 'from', 'column']);
    const from = entry.text('from', 'oracle://host:1521/PROD.SCHEMA.TABLE');
    const field = entry.optional('field');
    const dataset = entry.optional('dataset');
    const rest = { column: entry.optional('column'), line: entry.line };
    if (dataset !== undefined && entry.optional('app') !== undefined) {
      entry.wrong('dataset', 'An edge is of an app or of a dataset, not of both.', 'Keep one of app and dataset.');
      return undefined;
    }
    if (dataset !== undefined) {
      if ((field === undefined) === (rest.column === undefined))
        return from === undefined ? undefined : { of: { type: 'dataset', dataset, column: field }, from, ...rest };
      entry.wrong(
        field === undefined ? 'column' : 'field',
        'An edge has both field and column, or neither of them.',
        'Write field = the column of dataset, and column = the one of from.',
      );
      return undefined;
    }
    const isOf = this.#apps(entry);
    const ofField = entry.text('field', 'Margin');
    if (ofField === undefined || from === undefined || entry.text('column', 'NETWR') === undefined) return undefined;
    return { of: { type: 'field', isOf, field: ofField }, from, ...rest };
  }
}
