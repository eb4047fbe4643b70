import { chmod, cp, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { versionOfSources } from '#agent/lineage/process/interpreter-version.ts';

const root = join(import.meta.dirname, '..', '..');

/** `release` is what is shipped; `test` can be killed at named places (see {@link ./armed.ts}). */
type Flavour = 'release' | 'test';

export interface BundleOptions {
  readonly folder: string;
  readonly flavour: Flavour;
  readonly version: string;
  readonly commit: string;
  /** What a test has otherwise than the sources, by file of this repository: shorter times, a source of records. */
  readonly rewrite?: Readonly<Record<string, (text: string) => string>>;
}

export interface Bundled {
  /** What each bundle weighs. */
  readonly sizes: readonly { readonly file: string; readonly bytes: number }[];
  /** Every file that went into a bundle, relative to the repository. */
  readonly inputs: readonly string[];
}

const PROGRAMS = { culvert: 'agent/main.ts', 'culvert-catalog': 'catalog/main.ts' } as const;
/** What the agent starts to interpret load scripts: it finds this beside itself, and this the parser of SQL. */
const CHILDREN = { 'culvert-lineage': 'agent/lineage/process/child.ts' } as const;
const SQL_PARSER = 'polyglot_sql.wasm';

/** In a release a fault point is an empty function, and the bundler leaves out calls of empty functions. */
const withoutFaultPoints: Plugin = {
  name: 'without-fault-points',
  setup: (on) => {
    on.onLoad({ filter: /[\\/]protocol[\\/]fault-point\.ts$/ }, () => ({
      contents: 'export function faultPoint() {}',
      loader: 'ts',
    }));
  },
};

/** Letters beyond ASCII as escapes, which mean the same in strings and in regular expressions. */
const inAscii = (text: string): string =>
  text.replace(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * The sources, as a test has them where it wants them otherwise. In ASCII: a single other letter in the whole program, and
 * the engine keeps all of it with two bytes a letter, 3 MB more. The bundler itself leaves regular expressions as they are.
 */
const sources = (rewrite: BundleOptions['rewrite'] = {}): Plugin => ({
  name: 'sources',
  setup: (on) => {
    on.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const change = rewrite[relative(root, path).replaceAll('\\', '/')];
      const changed = change === undefined ? text : change(text);
      // Whoever moved that place is to see it here, not in a test that quietly tests something else.
      if (change !== undefined && changed === text)
        throw new Error(`${path}: the place that a test rewrites is not there any more`);
      return { contents: inAscii(changed), loader: 'ts' };
    });
  },
});

/**
 * To import `node:http` as a module reads all its members, three of which load a second undici for the sake of a browser's
 * WebSocket: 14 MB in every process. What is asked for by require() reads none.
 */
const withoutSecondUndici: Plugin = {
  name: 'without-second-undici',
  setup: (on) => {
    // The others have members that an older Node lacks: imported, it would fail before the program can say what it needs.
    on.onResolve({ filter: /^(node:)?(https?|module|tls|zlib)$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path: path.replace(/^(node:)?/, 'node:'), namespace: 'required' } : undefined,
    );
    on.onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
      loader: 'js',
    }));
  },
};

/** Of undici the pool of connections alone: it loads caches, mocks and a browser's fetch besides, 3 MB in every process. */
const poolOfUndici: Plugin = {
  name: 'pool-of-undici',
  setup: (on) => {
    on.onLoad({ filter: /[\\/]node_modules[\\/]undici[\\/]index\.js$/ }, () => ({
      contents: `import api from './lib/api/index.js';
        import Dispatcher from './lib/dispatcher/dispatcher.js';
        Object.assign(Dispatcher.prototype, api);
        export { default as Pool } from './lib/dispatcher/pool.js';
        export { default as buildConnector } from './lib/core/connect.js';`,
      loader: 'js',
    }));
  },
};

/** Said before anything else runs: an older Node would end with the trace of whatever it does not know first. */
const NEEDS_NODE = `if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write('This program needs Node 24 or later, and ' + process.execPath + ' is Node ' + process.versions.node + '.\\n');
  process.exit(2);
}`;

/** Messages in the languages of the world, of which the programs say none. */
const withoutLocales: Plugin = {
  name: 'without-locales',
  setup: (on) => {
    on.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    }));
  },
};

/**
 * Makes one file each of the agent and the catalog, that run on a plain Node 24 wherever they lie. Beside the agent lies the
 * process for load scripts with its parser of SQL, beside the catalog its migrations; its page is built elsewhere, and
 * PostgreSQL is not in it.
 */
export const bundle = async ({ folder, flavour, version, commit, rewrite }: BundleOptions): Promise<Bundled> => {
  await mkdir(folder, { recursive: true });
  const test = flavour === 'test';
  const options: BuildOptions & { metafile: true } = {
    absWorkingDir: root,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Names stay, so that the trace of an error can be read without the map beside it.
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    define: {
      CULVERT_BUILD: JSON.stringify({ version, commit }),
      CULVERT_INTERPRETER: JSON.stringify(versionOfSources(root)),
      // True of the bundle, never of a module in it.
      'import.meta.main': 'false',
    },
    // CommonJS packages inside a module still call require() for what Node has built in.
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);\n${NEEDS_NODE}`,
    },
    plugins: [
      withoutSecondUndici,
      poolOfUndici,
      withoutLocales,
      ...(test ? [] : [withoutFaultPoints]),
      sources(rewrite),
    ],
    logLevel: 'warning',
  };
  const [main, child] = await Promise.all([
    build({
      ...options,
      entryPoints: PROGRAMS,
      inject: test ? [fileURLToPath(import.meta.resolve('./armed.ts'))] : [],
    }),
    build({ ...options, entryPoints: CHILDREN }),
  ]);
  const programs = Object.keys({ ...PROGRAMS, ...CHILDREN }).map((name) => join(folder, `${name}.mjs`));
  for (const file of programs) {
    const wide = /[\u0080-\uffff].{0,40}/.exec(await readFile(file, 'utf8'));
    if (wide) throw new Error(`${file}: not in ASCII, at: ${wide[0]}`);
    await chmod(file, 0o755);
  }
  const migrations = join(folder, 'migrations');
  await rm(migrations, { recursive: true, force: true });
  await cp(join(root, 'catalog', 'store', 'migrations'), migrations, { recursive: true });
  const parser = join(folder, SQL_PARSER);
  await cp(fileURLToPath(import.meta.resolve(`@polyglot-sql/sdk/${SQL_PARSER}`)), parser);
  const files = [...programs, parser];
  const sizes = await Promise.all(files.map(async (file) => ({ file, bytes: (await stat(file)).size })));
  const inputs = [...Object.keys(main.metafile.inputs), ...Object.keys(child.metafile.inputs)];
  return { sizes, inputs: [...new Set(inputs)] };
};
