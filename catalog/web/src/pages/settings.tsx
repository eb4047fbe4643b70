import { useEffect, useState } from 'preact/hooks';
import type { Connection, SettingsChange, SettingsProblem, StoredSettings } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { call, shown } from '../api.ts';
import { connectionLink, settingsLink } from '../kinds.ts';
import { drafts, useLoad, usePages } from '../load.ts';
import { LoadMore, useAction } from '../parts/controls.tsx';
import { ConnectionCrumbs } from '../parts/crumbs.tsx';
import { ErrorPanel, Loading, Page } from '../parts/panels.tsx';
import { Forbidden, refusalOf } from '../parts/refusals.tsx';
import { Name, When } from '../parts/text.tsx';
import type { SettingsCheck } from '../shapes.ts';
import { startJob, whyNoJob } from './connection-runs.tsx';
import { type Draft, draftOf, LABELS, SettingsFields, settingsOf, wordOf } from './settings-form.tsx';

const DEBOUNCE_MS = 400;

/** A draft with the version of the settings that it was made from. */
interface Begun {
  readonly draft: Draft;
  readonly version: number;
}

/** What is wrong with what is typed, as the catalog says; asked when one pauses. */
const useCheck = (code: string, draft: Draft) => {
  const [problems, setProblems] = useState<readonly SettingsProblem[]>([]);
  const [refused, setRefused] = useState('');
  const text = JSON.stringify(settingsOf(draft));
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const body = { settings: JSON.parse(text) as object };
        const found = await call<SettingsCheck>('POST', `/api/v1${settingsLink(code)}/check`, {
          body,
          signal: stop.signal,
        });
        setProblems(found.problems);
        setRefused('');
      } catch (error) {
        if (!stop.signal.aborted) setRefused(shown(error).message);
      }
    }, DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [code, text]);
  return { problems, refused };
};

const Form = ({
  connection,
  stored,
  reload,
}: {
  connection: Connection;
  stored: StoredSettings;
  reload: () => Promise<void>;
}) => {
  const { code } = connection;
  const clean: Begun = { draft: draftOf(stored.settings), version: stored.version };
  const [begun, setBegun] = useState<Begun>(() => (drafts.get(code) as Begun | undefined) ?? clean);
  const { busy, problem, run, clear } = useAction();
  const isChanged = JSON.stringify(settingsOf(begun.draft)) !== JSON.stringify(settingsOf(clean.draft));
  const { problems, refused } = useCheck(code, begun.draft);
  const put = (next: Begun): void => {
    const isAsStored = JSON.stringify(settingsOf(next.draft)) === JSON.stringify(settingsOf(clean.draft));
    if (isAsStored) drafts.delete(code);
    else drafts.set(code, next);
    setBegun(next);
  };
  const drop = (from: StoredSettings): void => {
    drafts.delete(code);
    setBegun({ draft: draftOf(from.settings), version: from.version });
    clear();
  };
  useEffect(() => {
    // Somebody saved: what is not being edited here follows.
    if (!drafts.has(code)) drop(stored);
  }, [stored.version]);
  const why = problems.length > 0 ? 'Correct what is marked first.' : isChanged ? undefined : 'Nothing is changed.';
  const forbidden = refusalOf(connection, 'inventory');
  const whyNotTry = forbidden ?? whyNoJob(connection) ?? (problems.length > 0 ? why : undefined);
  const save = (): void => {
    if (why !== undefined || busy) return;
    void run(async () => {
      const body = { settings: settingsOf(begun.draft), version: begun.version };
      const saved = await call<StoredSettings>('PUT', `/api/v1${settingsLink(code)}`, { body });
      announce(`Settings of ${code} saved. The next crawl goes by them.`);
      drop(saved);
      await reload();
    });
  };
  const tryIt = (): void => {
    if (whyNotTry !== undefined || busy) return;
    const body = { kind: 'inventory', options: { settings: settingsOf(begun.draft) } };
    void run(() => startJob(code, body, `Inventory of ${code} started, with what is typed here.`));
  };
  return (
    <form
      class="settings-form"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <SettingsFields
        draft={begun.draft}
        onChange={(draft) => put({ ...begun, draft })}
        connection={connection}
        stored={stored.settings}
        problems={problems}
      />
      {refused !== '' && (
        <p class="panel bad" role="alert">
          {refused}
        </p>
      )}
      {problem && <ErrorPanel error={problem} title="That was not done" />}
      {problem?.code === 'api.conflict' && (
        <p>
          <button
            type="button"
            onClick={() =>
              void run(async () => {
                drop(await call<StoredSettings>('GET', `/api/v1${settingsLink(code)}`));
                await reload();
              })
            }
          >
            Discard my changes and show what is there now
          </button>
        </p>
      )}
      <div class="actions sticky">
        <button type="submit" class="primary" aria-disabled={why !== undefined || busy} aria-describedby="why-not-save">
          Save
        </button>
        <button
          type="button"
          aria-disabled={whyNotTry !== undefined || busy}
          aria-describedby="why-not-try"
          onClick={tryIt}
        >
          Try it
        </button>
        {isChanged && (
          <button type="button" onClick={() => drop(stored)}>
            Discard changes
          </button>
        )}
        <span class="quiet reason" id="why-not-save">
          {why ?? 'Not saved yet.'}
        </span>
        {forbidden === undefined ? (
          <span class="quiet reason" id="why-not-try">
            {whyNotTry === why
              ? ''
              : (whyNotTry ?? '“Try it” lists what would be kept and rejected; nothing is saved or published.')}
          </span>
        ) : (
          <Forbidden why={forbidden} id="why-not-try" />
        )}
      </div>
    </form>
  );
};

const History = ({ code }: { code: string }) => {
  const { data, problem, reload, more, busy } = usePages<SettingsChange>(
    `/api/v1${settingsLink(code)}/history`,
    (change) => change.name === 'connection' && change.code === code,
  );
  if (problem && data === undefined)
    return <ErrorPanel error={problem} title="The history could not be read" onRetry={() => void reload()} />;
  if (data === undefined) return <Loading what="the history" />;
  if (data.length === 0) return <p class="quiet">Nobody changed anything here yet.</p>;
  return (
    <>
      <ol class="history">
        {data.map(({ version, changedAt, changedBy, changes }) => (
          <li key={version}>
            <p>
              <When time={changedAt} /> <span class="quiet">by</span> <Name text={changedBy} limit={60} />
            </p>
            <ul>
              {changes.map(({ setting, from, to }) => (
                <li key={setting}>
                  {LABELS[setting]}:{' '}
                  <del>
                    <Name text={wordOf(setting, from)} limit={300} />
                  </del>{' '}
                  <span class="unseen">became </span>
                  <ins>
                    <Name text={wordOf(setting, to)} limit={300} />
                  </ins>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
      <LoadMore more={more} busy={busy} what="changes" />
    </>
  );
};

/** What is set for a connection in the catalog: what is crawled, and what becomes of what is gone. */
export const SettingsPage = ({ code }: { code: string }) => {
  const isThis = (change: { name: string; code?: string }): boolean =>
    change.name === 'connection' && change.code === code;
  const connection = useLoad<Connection>(`/api/v1${connectionLink(code)}`, isThis);
  const stored = useLoad<StoredSettings>(`/api/v1${settingsLink(code)}`, isThis);
  const problem = connection.problem ?? stored.problem;
  const name = connection.data?.status.name ?? code;
  return (
    <Page
      title={`Filters and settings · ${name}`}
      heading={
        <>
          Filters and settings{' '}
          <span class="quiet">
            <Name text={name} limit={80} />
          </span>
        </>
      }
      above={<ConnectionCrumbs code={code} />}
    >
      <p>
        What the file of the connection says wins; filters of both apply together, so that what is set here can only
        narrow what the file allows.
        {connection.data !== undefined && connection.data.status.settings === undefined && (
          <strong> This agent does not tell what its file says: update it to see that here.</strong>
        )}
      </p>
      {problem && (
        <ErrorPanel
          error={problem}
          title="The settings could not be read"
          onRetry={() => void Promise.all([connection.reload(), stored.reload()])}
        />
      )}
      {connection.data && stored.data ? (
        <Form connection={connection.data} stored={stored.data} reload={stored.reload} />
      ) : (
        problem === undefined && <Loading what="the settings" />
      )}
      <section>
        <h2>Who changed what</h2>
        <History code={code} />
      </section>
    </Page>
  );
};
