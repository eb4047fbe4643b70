import type { ComponentChildren } from 'preact';
import type { Me } from '#catalog/api/contract.ts';
import { Announcer, announce } from './announce.tsx';
import { shown } from './api.ts';
import { useLiveState } from './live.ts';
import { Logo } from './parts/logo.tsx';
import { Name } from './parts/text.tsx';
import type { Place } from './router.ts';

const ROOMS = [
  { href: '/', label: 'Connections', paths: ['', 'connections', 'jobs'] },
  { href: '/browse', label: 'Assets', paths: ['browse', 'asset'] },
  { href: '/agents', label: 'Agents', paths: ['agents'] },
  { href: '/tokens', label: 'API tokens', paths: ['tokens'] },
] as const;

const LIVE = {
  connecting: ['grey', 'Connecting…', 'Waiting for the stream of changes.'],
  live: ['green', 'Live', 'Changes appear as they happen.'],
  polling: ['amber', 'Every 5 s', 'The stream of changes is broken: the page reads everything again every 5 seconds.'],
} as const;

const Live = () => {
  const [tone, word, meaning] = LIVE[useLiveState()];
  return (
    <span class={`live ${tone}`} title={meaning} data-live={word}>
      <span class="shape" aria-hidden="true" />
      {word}
    </span>
  );
};

/** What surrounds every page: the way to the rooms, who one is, and whether what is shown is fresh. */
export const Shell = ({
  me,
  place,
  onLogout,
  children,
}: {
  me: Me;
  place: Place;
  onLogout: () => Promise<void>;
  children: ComponentChildren;
}) => {
  const room = place.path.split('/')[1] ?? '';
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <a class="brand" href="/" aria-label="Culvert: connections">
          <Logo />
          <span>Culvert</span>
        </a>
        <nav aria-label="Main">
          <ul>
            {ROOMS.map(({ href, label, paths }) => (
              <li key={href}>
                <a
                  href={href}
                  {...((paths as readonly string[]).includes(room) ? { 'aria-current': 'page' as const } : {})}
                >
                  {label}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="who">
          <Live />
          <span class="who-name" title={`${me.user.email}, ${me.organisation.name}`}>
            <Name text={me.user.name || me.user.email} limit={40} />
            <span class="quiet">
              {' '}
              <Name text={me.organisation.name} limit={40} />
            </span>
          </span>
          <button
            type="button"
            class="small"
            onClick={() => onLogout().catch((error) => announce(`Not signed out: ${shown(error).message}`))}
          >
            Sign out
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <footer class="foot">
        <span>Culvert catalog</span>
        <a href="/api/openapi.json">API description (OpenAPI)</a>
      </footer>
      <Announcer />
    </div>
  );
};
