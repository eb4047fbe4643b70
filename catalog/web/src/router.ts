import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Where the page is: real URLs through the History API, so that reload, back, and a link sent by mail all work. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
  /** How one got here: decides where focus and scroll position go. */
  readonly arrival: 'start' | 'link' | 'back' | 'filter';
  readonly scroll: number;
  /** Rises with every move but a change of filter. */
  readonly serial: number;
}

/** A one-time login stands behind the `#`, where no server and no proxy's log sees it; `?token=` does as well. */
const queryOf = ({ pathname, search, hash }: Location): URLSearchParams => {
  const query = new URLSearchParams(search);
  const token = pathname === '/login' ? new URLSearchParams(hash.slice(1)).get('token') : null;
  if (token !== null) query.set('token', token);
  return query;
};

let serial = 0;
const here = (arrival: Place['arrival'], scroll = 0): Place => ({
  path: location.pathname,
  query: queryOf(location),
  arrival,
  scroll,
  serial: arrival === 'filter' ? serial : ++serial,
});

let place = here('start');
const listeners = new Set<(place: Place) => void>();
const move = (next: Place): void => {
  place = next;
  for (const listener of listeners) listener(next);
};

const scrollOf = (state: unknown): number =>
  typeof state === 'object' && state !== null && 'scroll' in state && typeof state.scroll === 'number'
    ? state.scroll
    : 0;

const keepScroll = (): void => history.replaceState({ scroll: window.scrollY }, '');

/** Goes to a URL of this page. `filter` changes what a page shows and keeps focus and scroll position where they are. */
export const navigate = (url: string, how: 'link' | 'filter' | 'replace' = 'link'): void => {
  if (how === 'link') {
    keepScroll();
    history.pushState({ scroll: 0 }, '', url);
    move(here('link'));
  } else {
    history.replaceState(history.state, '', url);
    move(here(how === 'replace' ? 'link' : 'filter'));
  }
};

const ownLink = (event: MouseEvent): HTMLAnchorElement | undefined => {
  if (event.defaultPrevented || event.button !== 0) return undefined;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return undefined;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!(link instanceof HTMLAnchorElement) || link.target !== '' || link.hasAttribute('download')) return undefined;
  if (link.origin !== location.origin || link.pathname.startsWith('/api/')) return undefined;
  // A jump within the page is the browser's own business.
  if (link.hash !== '' && link.pathname === location.pathname && link.search === location.search) return undefined;
  return link;
};

/** Ordinary `<a href>` become moves within the page; modified clicks and links that lead away stay the browser's. */
export const startRouter = (): void => {
  history.scrollRestoration = 'manual';
  addEventListener('popstate', (event) => move(here('back', scrollOf(event.state))));
  addEventListener('pagehide', keepScroll);
  document.addEventListener('click', (event) => {
    const link = ownLink(event);
    if (link === undefined) return;
    event.preventDefault();
    navigate(link.pathname + link.search + link.hash);
  });
};

export const usePlace = (): Place => {
  const [value, setValue] = useState(place);
  useEffect(() => {
    setValue(place);
    listeners.add(setValue);
    return () => void listeners.delete(setValue);
  }, []);
  return value;
};

/** Title of the window; focus on the heading and the right scroll position after a move. */
export const useArrival = (heading: { readonly current: HTMLElement | null }, title: string): void => {
  useEffect(() => {
    document.title = title === '' ? 'Culvert' : `${title} · Culvert`;
  }, [title]);
  const { serial: move } = place;
  const arrived = useRef(0);
  useLayoutEffect(() => {
    // A page that mounts late (after the login, say) arrives by the move that asked for it.
    if (arrived.current === move) return;
    arrived.current = move;
    scrollTo(0, place.arrival === 'start' ? scrollOf(history.state) : place.scroll);
    if (place.arrival !== 'start') heading.current?.focus({ preventScroll: true });
  }, [heading, move]);
};
