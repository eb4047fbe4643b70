import { useEffect, useState } from 'preact/hooks';
import type { ApiError, Me } from '#catalog/api/contract.ts';
import { Announcer } from './announce.tsx';
import { call, keepCsrf, Refusal, shown, whenSessionLost } from './api.ts';
import { startLive, stopLive } from './live.ts';
import { forget } from './load.ts';
import { AgentPage } from './pages/agent.tsx';
import { AgentsPage } from './pages/agents.tsx';
import { AssetPage } from './pages/asset.tsx';
import { AssetsPage } from './pages/assets.tsx';
import { ConnectionPage } from './pages/connection.tsx';
import { ConnectionsPage } from './pages/connections.tsx';
import { FindingsPage } from './pages/findings.tsx';
import { ImpactPage } from './pages/impact.tsx';
import { JobPage } from './pages/job.tsx';
import { LoginPage } from './pages/login.tsx';
import { RunForPage } from './pages/run-for.tsx';
import { SettingsPage } from './pages/settings.tsx';
import { TokensPage } from './pages/tokens.tsx';
import { Boundary } from './parts/boundary.tsx';
import { Empty, ErrorPanel, Loading, Page } from './parts/panels.tsx';
import { navigate, type Place, usePlace } from './router.ts';
import { Shell } from './shell.tsx';

type Session =
  | { readonly is: 'unknown' }
  | { readonly is: 'unreachable'; readonly error: ApiError }
  | { readonly is: 'out'; readonly lost: boolean }
  | { readonly is: 'in'; readonly me: Me };

const part = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** The lines of a script that a page was asked to show; 0: none. */
const linesOf = (query: URLSearchParams): { readonly line: number; readonly endLine: number } => {
  const line = Number(query.get('line') ?? 0);
  return { line, endLine: Math.max(line, Number(query.get('end') ?? 0)) };
};

const Route = ({ place }: { place: Place }) => {
  const [, room = '', name, action] = place.path.split('/');
  switch (room) {
    case '':
    case 'connections':
      if (name && action === 'settings') return <SettingsPage key={place.path} code={part(name)} />;
      if (name && action === 'run') return <RunForPage key={place.path} code={part(name)} query={place.query} />;
      if (name && action === 'findings') return <FindingsPage key={place.path} code={part(name)} query={place.query} />;
      if (name && action) break;
      if (name) return <ConnectionPage key={place.path} code={part(name)} />;
      return <ConnectionsPage />;
    case 'jobs':
      if (name) return <JobPage key={place.path} id={part(name)} query={place.query} />;
      break;
    case 'agents':
      if (name) return <AgentPage key={place.path} id={part(name)} />;
      return <AgentsPage />;
    case 'browse':
      return <AssetsPage query={place.query} />;
    case 'asset': {
      const key = place.query.get('key');
      if (key) return <AssetPage key={key} assetKey={key} {...linesOf(place.query)} />;
      break;
    }
    case 'impact': {
      const key = place.query.get('key');
      if (key) return <ImpactPage key={key} assetKey={key} query={place.query} />;
      break;
    }
    case 'tokens':
      return <TokensPage />;
  }
  return (
    <Page title="No such page">
      <Empty title="There is nothing at this address.">
        <p>
          <a href="/">Go to the connections</a>
        </p>
      </Empty>
    </Page>
  );
};

/** Who is logged in decides everything else: the login form stands in place of the page that was asked for. */
export const App = () => {
  const place = usePlace();
  const [session, setSession] = useState<Session>({ is: 'unknown' });

  const enter = (me: Me): void => {
    keepCsrf(me.csrf);
    startLive();
    setSession({ is: 'in', me });
  };
  const leave = (lost: boolean): void => {
    stopLive();
    keepCsrf('');
    setSession((old) => (old.is === 'out' ? old : { is: 'out', lost: lost && old.is === 'in' }));
  };
  const ask = async (): Promise<void> => {
    try {
      enter(await call<Me>('GET', '/api/v1/me'));
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) leave(false);
      else setSession({ is: 'unreachable', error: shown(error) });
    }
  };
  useEffect(() => {
    whenSessionLost(() => leave(true));
    void ask();
  }, []);

  const loginAsked = place.path === '/login';
  const token = loginAsked ? place.query.get('token') : null;
  useEffect(() => {
    if (session.is === 'in' && loginAsked && token === null) navigate('/', 'replace');
  }, [session, loginAsked, token]);

  if (session.is === 'unknown') return <Loading what="the catalog" />;
  if (session.is === 'unreachable')
    return (
      <main class="login">
        <ErrorPanel error={session.error} title="The catalog does not answer" onRetry={() => void ask()} />
      </main>
    );
  if (session.is === 'out' || loginAsked)
    return (
      <>
        <LoginPage
          lost={session.is === 'out' && session.lost}
          token={token}
          onLogin={(me) => {
            // Another person's data must not flash up; the same person finds the page as it was.
            forget();
            enter(me);
            if (loginAsked) navigate('/', 'replace');
          }}
        />
        <Announcer />
      </>
    );
  return (
    <Shell
      me={session.me}
      place={place}
      onLogout={async () => {
        await call('POST', '/api/v1/logout');
        forget();
        leave(false);
        navigate('/login', 'replace');
      }}
    >
      <Boundary key={place.path}>
        <Route place={place} />
      </Boundary>
    </Shell>
  );
};
