import { useEffect, useState } from 'preact/hooks';
import type { ChangeEvent } from '#catalog/api/contract.ts';

/**
 * What changed at the catalog, as it happens: one stream of server-sent events for the whole page. While the stream is
 * broken the page reads everything again every few seconds instead, so that it is never silently out of date.
 */
export type Change = ChangeEvent | { readonly name: 'anything' };
export type LiveState = 'connecting' | 'live' | 'polling';

const POLL_MS = 5_000;
/** Even with a healthy stream: health and "late" depend on the clock, and a lost event must not stay lost. */
const REFRESH_MS = 30_000;
const RETRY_MS = 3_000;
const NAMES = ['agent', 'connection', 'job', 'assets'] as const;

const listeners = new Set<(change: Change) => void>();
const stateListeners = new Set<(state: LiveState) => void>();
let state: LiveState = 'connecting';
let source: EventSource | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
let running = false;

const tell = (change: Change): void => {
  for (const listener of listeners) listener(change);
};

const become = (next: LiveState): void => {
  if (state === next) return;
  state = next;
  for (const listener of stateListeners) listener(next);
};

const tick = (): void => {
  clearTimeout(timer);
  if (!running) return;
  timer = setTimeout(
    () => {
      if (!document.hidden) tell({ name: 'anything' });
      tick();
    },
    state === 'polling' ? POLL_MS : REFRESH_MS,
  );
};

const open = (): void => {
  clearTimeout(retry);
  source?.close();
  const stream = new EventSource('/api/v1/events');
  source = stream;
  stream.onopen = () => {
    const missed = state !== 'live';
    become('live');
    tick();
    if (missed) tell({ name: 'anything' });
  };
  stream.onerror = () => {
    // The browser's own reconnect gives up on some answers and is slow on others: close, and open again ourselves.
    stream.close();
    if (!running || source !== stream) return;
    if (state !== 'polling') {
      become('polling');
      tick();
    }
    retry = setTimeout(open, RETRY_MS);
  };
  for (const name of NAMES)
    stream.addEventListener(name, (event: MessageEvent<string>) => {
      try {
        tell({ ...(JSON.parse(event.data) as object), name } as Change);
      } catch {
        tell({ name: 'anything' });
      }
    });
};

/** Browsers allow few connections to one host: pages that nobody looks at give theirs back after a while. */
const HIDDEN_MS = 30_000;
let hidden: ReturnType<typeof setTimeout> | undefined;

const onVisible = (): void => {
  clearTimeout(hidden);
  if (!running) return;
  if (document.hidden) {
    hidden = setTimeout(() => {
      clearTimeout(retry);
      source?.close();
      source = undefined;
      become('connecting');
    }, HIDDEN_MS);
    return;
  }
  if (source === undefined) open();
  tell({ name: 'anything' });
};

/** Opens the stream (after login). */
export const startLive = (): void => {
  if (running) return;
  running = true;
  document.addEventListener('visibilitychange', onVisible);
  open();
  tick();
};

/** Closes it (after logout, or when the session ended). */
export const stopLive = (): void => {
  running = false;
  document.removeEventListener('visibilitychange', onVisible);
  clearTimeout(timer);
  clearTimeout(retry);
  clearTimeout(hidden);
  source?.close();
  source = undefined;
  become('connecting');
};

export const onChange = (listener: (change: Change) => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useLiveState = (): LiveState => {
  const [value, setValue] = useState(state);
  useEffect(() => {
    setValue(state);
    stateListeners.add(setValue);
    return () => void stateListeners.delete(setValue);
  }, []);
  return value;
};
