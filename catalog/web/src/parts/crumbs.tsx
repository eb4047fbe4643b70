import type { ComponentChildren } from 'preact';
import { connectionLink } from '../kinds.ts';

export interface Crumb {
  readonly href: string;
  readonly name: ComponentChildren;
  readonly title?: string | undefined;
}

/** The way from the top down to a page. */
export const Crumbs = ({ places }: { places: readonly Crumb[] }) => (
  <nav aria-label="Breadcrumb" class="crumbs">
    <ol>
      {places.map(({ href, name, title }) => (
        <li key={href}>
          <a href={href} title={title}>
            {name}
          </a>
        </li>
      ))}
    </ol>
  </nav>
);

/** The way to what belongs to a connection; without one, to the connection's own page. */
export const ConnectionCrumbs = ({ code }: { code?: string | undefined }) => (
  <Crumbs
    places={[
      { href: '/', name: 'Connections' },
      ...(code === undefined ? [] : [{ href: connectionLink(code), name: <bdi>{code}</bdi> }]),
    ]}
  />
);
