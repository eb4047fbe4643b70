import { useEffect, useRef, useState } from 'preact/hooks';
import type { Me } from '#catalog/api/contract.ts';
import { call } from '../api.ts';
import { useAction } from '../parts/controls.tsx';
import { Logo } from '../parts/logo.tsx';
import { ErrorPanel, Loading } from '../parts/panels.tsx';

/** A one-time token must not be sent twice, however often the page is rendered. */
const spent = new Set<string>();

export const LoginPage = ({
  lost,
  token,
  onLogin,
}: {
  lost: boolean;
  token: string | null;
  onLogin: (me: Me) => void;
}) => {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const { busy, problem, run } = useAction();
  const first = useRef<HTMLInputElement>(null);
  const login = (body: unknown): Promise<boolean> =>
    run(async () => onLogin(await call<Me>('POST', '/api/v1/login', { body })));

  useEffect(() => {
    document.title = 'Sign in · Culvert';
    if (token === null || spent.has(token)) {
      first.current?.focus();
      return;
    }
    spent.add(token);
    // The token leaves the address bar and the history before anything else happens.
    history.replaceState(null, '', '/login');
    void login({ oneTimeToken: token });
  }, [token]);

  return (
    <main class="login">
      <div class="login-card">
        <p class="brand">
          <Logo />
          <span>Culvert</span>
        </p>
        <h1>Sign in</h1>
        {lost && (
          <p class="note" role="status">
            Your session has ended. Sign in again and you are back where you were.
          </p>
        )}
        {problem && <ErrorPanel error={problem} title="Not signed in" />}
        {token !== null && busy ? (
          <Loading what="your session" />
        ) : (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void login({ email: email.trim(), password });
            }}
          >
            <label class="field">
              <span>E-mail</span>
              <input
                ref={first}
                type="email"
                required
                maxLength={320}
                autocomplete="username"
                value={email}
                onInput={(event) => setEmail(event.currentTarget.value)}
              />
            </label>
            <label class="field">
              <span>Password</span>
              <input
                type="password"
                required
                maxLength={1024}
                autocomplete="current-password"
                value={password}
                onInput={(event) => setPassword(event.currentTarget.value)}
              />
            </label>
            <button type="submit" class="primary" aria-disabled={busy}>
              {busy ? 'Signing in…' : 'Sign in'}
            </button>
          </form>
        )}
      </div>
    </main>
  );
};
