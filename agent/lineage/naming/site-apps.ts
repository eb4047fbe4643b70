/** An app of the site, as it is listed. */
export interface SiteApp {
  readonly id: string;
  readonly name: string;
}

/** Apps that the path of a BINARY means. */
export interface MeantApps {
  readonly apps: readonly SiteApp[];
  readonly by: 'id' | 'name';
  /** So many are called like this that none is told. */
  readonly isAmbiguous: boolean;
}

const GUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
/** Of so many apps of one name somebody may still find the right one. */
const MOST_NAMESAKES = 5;

/** The apps of a site, for scripts that load another app whole: by its id, or by a file that is called like it. */
export class SiteApps {
  readonly #byId = new Map<string, SiteApp>();
  readonly #byName = new Map<string, SiteApp[]>();

  constructor(apps: Iterable<SiteApp>) {
    for (const app of apps) {
      this.#byId.set(app.id.toLowerCase(), app);
      const name = plain(app.name);
      const known = this.#byName.get(name);
      if (known === undefined) this.#byName.set(name, [app]);
      else known.push(app);
    }
  }

  /** The apps that `path` means in the script of the app `reader`, which does not load itself. */
  meantBy(path: string, reader: string): MeantApps {
    const stem = stemOf(path);
    const known = this.#byId.get(stem);
    if (known !== undefined) return { apps: [known], by: 'id', isAmbiguous: false };
    const others = (this.#byName.get(stem) ?? []).filter(({ id }) => id.toLowerCase() !== reader.toLowerCase());
    const isAmbiguous = others.length > MOST_NAMESAKES;
    return { apps: isAmbiguous || GUID.test(stem) ? [] : others, by: 'name', isAmbiguous };
  }

  /** Another text when the path may mean other apps than before. */
  mark(path: string): string {
    const stem = stemOf(path);
    const found = this.#byId.get(stem);
    const all = found === undefined ? (this.#byName.get(stem) ?? []) : [found];
    return all
      .map(({ id }) => id.toLowerCase())
      .sort()
      .join(' ');
  }
}

const plain = (name: string): string => name.normalize('NFC').trim().toLowerCase();

/** Name of a file without its folder and the ending of an app. */
const stemOf = (path: string): string => plain(path.trim().split(/[\\/]/).at(-1) ?? '').replace(/\.qv[fw]$/, '');
