import type { Asset, Job } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { call } from '../api.ts';
import { connectionLink, idOfKey, jobLink } from '../kinds.ts';
import { useAction } from '../parts/controls.tsx';
import { ErrorPanel } from '../parts/panels.tsx';
import { navigate } from '../router.ts';

/** Asks the agent to work out the lineage of one app anew, from what it kept of it, and goes to the job's page. */
export const BuildLineage = ({ app: { key, connection, name } }: { app: Asset }) => {
  const { busy, problem, run } = useAction();
  const build = async (): Promise<void> => {
    const body = { kind: 'lineage', options: { only: { apps: [idOfKey(key)] } } };
    const job = await call<Job>('POST', `/api/v1${connectionLink(connection)}/jobs`, { body });
    announce(`Build lineage of ${name} started.`);
    navigate(jobLink(job.id));
  };
  return (
    <>
      <button type="button" aria-disabled={busy} onClick={() => void run(build)}>
        {busy ? 'Starting…' : 'Build lineage'}
      </button>
      {problem && <ErrorPanel error={problem} title="The lineage is not built" />}
    </>
  );
};
