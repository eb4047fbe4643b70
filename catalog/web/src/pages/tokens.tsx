import { useState } from 'preact/hooks';
import type { ApiToken } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { call } from '../api.ts';
import { useLoad } from '../load.ts';
import { Dialog, Snippet, useAction } from '../parts/controls.tsx';
import { Empty, ErrorPanel, Loading, Page } from '../parts/panels.tsx';
import { Name, When } from '../parts/text.tsx';

const LIFETIMES = [
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', 'One year'],
  ['', 'No end'],
] as const;

const Create = ({ reload }: { reload: () => Promise<void> }) => {
  const { busy, problem, run } = useAction();
  const [name, setName] = useState('');
  const [days, setDays] = useState('90');
  const [made, setMade] = useState<ApiToken & { token: string }>();
  return (
    <section class="card" aria-labelledby="create">
      <h2 id="create">Make a token</h2>
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            const body = { name: name.trim(), ...(days === '' ? {} : { expiresInDays: Number(days) }) };
            setMade(await call<ApiToken & { token: string }>('POST', '/api/v1/tokens', { body }));
            setName('');
            await reload();
          });
        }}
      >
        <label class="field">
          <span>What it is for</span>
          <input
            required
            maxLength={100}
            value={name}
            placeholder="Nightly export"
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Works for</span>
          <select value={days} onChange={(event) => setDays(event.currentTarget.value)}>
            {LIFETIMES.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary" aria-disabled={busy}>
          {busy ? 'Making…' : 'Make token'}
        </button>
      </form>
      {problem && <ErrorPanel error={problem} title="No token was made" />}
      {made && (
        <div class="panel info" role="status">
          <p class="panel-title">
            Copy the token “<Name text={made.name} />” now: it is shown only once
          </p>
          <Snippet id="new-token" text={made.token} what="New API token" />
        </div>
      )}
    </section>
  );
};

const Revoke = ({ token, reload, onClose }: { token: ApiToken; reload: () => Promise<void>; onClose: () => void }) => {
  const { busy, problem, run } = useAction();
  return (
    <Dialog title="Revoke this token?" onClose={onClose}>
      <p>
        Whatever uses “<Name text={token.name} />” is refused from now on. It cannot be undone.
      </p>
      {problem && <ErrorPanel error={problem} title="Not revoked" />}
      <div class="actions end">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="danger"
          aria-disabled={busy}
          onClick={async () => {
            const done = await run(() => call('DELETE', `/api/v1/tokens/${encodeURIComponent(token.id)}`));
            if (!done) return;
            announce(`Token ${token.name} revoked.`);
            onClose();
            await reload();
          }}
        >
          Revoke token
        </button>
      </div>
    </Dialog>
  );
};

/** Tokens for programs that call the API. */
export const TokensPage = () => {
  const { data, problem, reload } = useLoad<{ items: ApiToken[] }>('/api/v1/tokens', () => false);
  const [revoking, setRevoking] = useState<ApiToken>();
  return (
    <Page title="API tokens">
      <p class="summary">
        A program calls the API with the header <code>Authorization: Bearer …</code> and one of these.{' '}
        <a href="/api/openapi.json">Description of the API (OpenAPI)</a>
      </p>
      {problem && <ErrorPanel error={problem} title="The tokens could not be read" onRetry={() => void reload()} />}
      {data === undefined ? (
        problem === undefined && <Loading what="the tokens" />
      ) : data.items.length === 0 ? (
        <Empty title="No token yet">
          <p>Make one below for every program, so that each can be revoked alone.</p>
        </Empty>
      ) : (
        <table class="stacks">
          <thead>
            <tr>
              <th scope="col">Token</th>
              <th scope="col">Made</th>
              <th scope="col">Last used</th>
              <th scope="col">Expires</th>
              <th scope="col">
                <span class="unseen">Revoke</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.items.map((token) => (
              <tr key={token.id}>
                <th scope="row" data-label="Token">
                  <Name text={token.name} />
                </th>
                <td data-label="Made">
                  <When time={token.createdAt} />
                </td>
                <td data-label="Last used">
                  {token.lastUsedAt === null ? <span class="quiet">never</span> : <When time={token.lastUsedAt} />}
                </td>
                <td data-label="Expires">
                  {token.expiresAt === null ? <span class="quiet">never</span> : <When time={token.expiresAt} />}
                </td>
                <td class="row-action">
                  <button type="button" class="small quiet-danger" onClick={() => setRevoking(token)}>
                    Revoke…<span class="unseen"> {token.name.slice(0, 80)}</span>
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Create reload={reload} />
      {revoking && <Revoke token={revoking} reload={reload} onClose={() => setRevoking(undefined)} />}
    </Page>
  );
};
