import { chmod, cp, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..', '..');

/** `release` is what is shipped; `test` can be killed at named places (see {@link ./armed.ts}). */
type Flavour = 'release' | 'test';

export interface BundleOptions {
  readonly folder: string;
  readonly flavour: Flavour;
  readonly version: string;
  readonly commit: string;
  /** Files of this repository that others take the place of, both relative to its root: a test's source of records. */
  readonly instead?: Readonly<Record<string, string>>;
}

export interface Bundled {
  /** What each bundle weighs. */
  readonly sizes: readonly { readonly file: string; readonly bytes: number }[];
  /** Every file that went into a bundle, relative to the repository. */
  readonly inputs: readonly string[];
}

const PROGRAMS = { culvert: 'agent/main.ts', 'culvert-catalog': 'catalog/main.ts' } as const;

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

const replacing = (instead: Readonly<Record<string, string>>): Plugin => ({
  name: 'instead',
  setup: (on) => {
    for (const [file, other] of Object.entries(instead)) {
      const name = file.slice(file.lastIndexOf('/') + 1).replaceAll('.', '\\.');
      on.onResolve({ filter: new RegExp(`(^|/)${name}$`) }, async ({ path, kind, resolveDir, pluginData }) => {
        if (pluginData === 'resolved') return undefined;
        const found = await on.resolve(path, { kind, resolveDir, pluginData: 'resolved' });
        return found.path === join(root, file) ? { path: join(root, other) } : found;
      });
    }
  },
});

/**
 * Makes one file each of the agent and the catalog, that run on a plain Node 24 wherever they lie. Beside the catalog lie
 * its migrations; its page is built elsewhere, and PostgreSQL is not in it.
 */
export const bundle = async ({ folder, flavour, version, commit, instead }: BundleOptions): Promise<Bundled> => {
  await mkdir(folder, { recursive: true });
  const test = flavour === 'test';
  const result = await build({
    absWorkingDir: root,
    entryPoints: PROGRAMS,
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
      // True of the bundle, never of a module in it.
      'import.meta.main': 'false',
    },
    // CommonJS packages inside a module still call require() for what Node has built in.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    inject: test ? [fileURLToPath(import.meta.resolve('./armed.ts'))] : [],
    plugins: [...(test ? [] : [withoutFaultPoints]), ...(instead === undefined ? [] : [replacing(instead)])],
    logLevel: 'warning',
  });
  const programs = Object.keys(PROGRAMS).map((name) => join(folder, `${name}.mjs`));
  for (const file of programs) await chmod(file, 0o755);
  const migrations = join(folder, 'migrations');
  await rm(migrations, { recursive: true, force: true });
  await cp(join(root, 'catalog', 'store', 'migrations'), migrations, { recursive: true });
  const sizes = await Promise.all(programs.map(async (file) => ({ file, bytes: (await stat(file)).size })));
  return { sizes, inputs: Object.keys(result.metafile.inputs) };
};
