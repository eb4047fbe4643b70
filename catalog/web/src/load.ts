import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '#catalog/api/contract.ts';
import { call, shown, withQuery } from './api.ts';
import { type Change, onChange } from './live.ts';

/**
 * Data that stays on the screen while it is read again: a page that was seen before (browser back) shows at once what
 * it showed then, and a failed refresh leaves the old data in place beside the error.
 */
export interface Loaded<T> {
  readonly data: T | undefined;
  readonly problem: ApiError | undefined;
  /** Reads again now; resolves when done. */
  readonly reload: () => Promise<void>;
}

export interface LoadedPages<T> extends Loaded<readonly T[]> {
  /** Reads the next page; undefined at the end of the list. */
  readonly more: (() => Promise<void>) | undefined;
  readonly busy: boolean;
}

/** Tells which changes concern a piece of data. */
export type Concerns = (change: Change) => boolean;

/** Changes come in bursts while a crawl publishes: read at once, then at most this often. */
const THROTTLE_MS = 700;
const REMEMBERED = 60;

const memory = new Map<string, unknown>();
const remember = (key: string, value: unknown): void => {
  memory.delete(key);
  memory.set(key, value);
  for (const oldest of memory.keys()) {
    if (memory.size <= REMEMBERED) break;
    memory.delete(oldest);
  }
};

/** What was typed into a form and not saved yet, by the form's name: to look at something else must not lose it. */
export const drafts = new Map<string, unknown>();

/** Drops everything that was read or typed, so that nothing of one user is shown to the next. */
export const forget = (): void => {
  memory.clear();
  drafts.clear();
};

interface Held<T> {
  readonly key: string;
  readonly data: T | undefined;
  readonly text: string;
  readonly problem: ApiError | undefined;
}

const held = <T>(key: string): Held<T> => {
  const data = memory.get(key) as T | undefined;
  return { key, data, text: data === undefined ? '' : JSON.stringify(data), problem: undefined };
};

const useRead = <T>(
  key: string,
  read: (signal: AbortSignal) => Promise<T>,
  concerns: Concerns,
): Loaded<T> & { readonly put: (data: T) => void } => {
  const [state, setState] = useState<Held<T>>(() => held<T>(key));
  const latest = useRef({ read, concerns });
  latest.current = { read, concerns };
  const running = useRef<AbortController>(undefined);

  const put = useCallback(
    (data: T): void => {
      remember(key, data);
      const text = JSON.stringify(data);
      setState((old) =>
        old.key === key && old.text === text && old.problem === undefined && old.data !== undefined
          ? old
          : { key, data, text, problem: undefined },
      );
    },
    [key],
  );

  const reload = useCallback(async (): Promise<void> => {
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    try {
      const data = await latest.current.read(abort.signal);
      if (!abort.signal.aborted) put(data);
    } catch (error) {
      if (abort.signal.aborted) return;
      setState((old) => ({ ...(old.key === key ? old : held<T>(key)), problem: shown(error) }));
    }
  }, [key, put]);

  useEffect(() => {
    setState((old) => (old.key === key ? old : held<T>(key)));
    let timer: ReturnType<typeof setTimeout> | undefined;
    let next = 0;
    const stop = onChange((change) => {
      if (timer !== undefined || !(change.name === 'anything' || latest.current.concerns(change))) return;
      timer = setTimeout(
        async () => {
          timer = undefined;
          next = performance.now() + THROTTLE_MS;
          await reload();
        },
        Math.max(0, next - performance.now()),
      );
    });
    void reload();
    return () => {
      stop();
      clearTimeout(timer);
      running.current?.abort();
    };
  }, [key, reload]);

  const current = state.key === key ? state : held<T>(key);
  return { data: current.data, problem: current.problem, reload, put };
};

/** Reads `path` and keeps it fresh. */
export const useLoad = <T>(path: string, concerns: Concerns): Loaded<T> =>
  useRead<T>(path, (signal) => call<T>('GET', path, { signal }), concerns);

interface Pages<T> {
  readonly items: readonly T[];
  readonly next: string | null;
  readonly pages: number;
}

/** Reads a list page by page; a refresh reads as many pages again as are shown. */
export const usePages = <T>(path: string, concerns: Concerns): LoadedPages<T> => {
  const shownPages = useRef({ path, pages: 1 });
  if (shownPages.current.path !== path) shownPages.current = { path, pages: 1 };
  const [busy, setBusy] = useState(false);
  const page = (after: string | null, signal?: AbortSignal): Promise<{ items: T[]; next: string | null }> =>
    call('GET', after === null ? path : withAfter(path, after), signal ? { signal } : {});
  const { data, problem, reload, put } = useRead<Pages<T>>(
    path,
    async (signal) => {
      const items: T[] = [];
      let next: string | null = null;
      let pages = 0;
      do {
        const one: { items: T[]; next: string | null } = await page(next, signal);
        items.push(...one.items);
        next = one.next;
        pages += 1;
      } while (next !== null && pages < shownPages.current.pages);
      return { items, next, pages };
    },
    concerns,
  );
  const [refused, setRefused] = useState<{ path: string; error: ApiError }>();
  const more = async (): Promise<void> => {
    if (!data?.next || busy) return;
    setBusy(true);
    setRefused(undefined);
    try {
      const one = await page(data.next);
      shownPages.current = { path, pages: data.pages + 1 };
      put({ items: [...data.items, ...one.items], next: one.next, pages: data.pages + 1 });
    } catch (error) {
      setRefused({ path, error: shown(error) });
    } finally {
      setBusy(false);
    }
  };
  return {
    data: data?.items,
    problem: problem ?? (refused?.path === path ? refused.error : undefined),
    reload,
    more: data?.next ? more : undefined,
    busy,
  };
};

const withAfter = (path: string, after: string): string =>
  path.includes('?') ? `${path}&${new URLSearchParams({ after })}` : withQuery(path, { after });
