import type { Connection } from '#catalog/api/contract.ts';
import { number } from '../format.ts';
import { connectionLink, jobLink } from '../kinds.ts';
import { IdentityWarning } from '../parts/agent.tsx';
import { TestVerdict } from '../parts/checks.tsx';
import { isActive, JobProgress, JobState, OutcomeCounts } from '../parts/job.tsx';
import { Badge, ErrorPanel, Fact, type Tone } from '../parts/panels.tsx';
import { Problems } from '../parts/problems.tsx';
import { Clock, Name, When } from '../parts/text.tsx';
import { Actions } from './connection-actions.tsx';
import { Standby, TakeOver } from './connection-owners.tsx';

/** Green, red or grey, and the word for it: the file first, then the agent, then the last crawl. */
export const verdict = (connection: Connection): { readonly tone: Tone; readonly word: string } => {
  const { status, agentHealth, lastJob } = connection;
  switch (status.state) {
    case 'error':
      return {
        tone: 'red',
        word: status.inForce === null ? 'File in error' : 'File in error, last good version at work',
      };
    case 'disabled':
      return { tone: 'grey', word: 'Disabled in its file' };
    case 'absent':
      return { tone: 'grey', word: 'File removed' };
    case 'ready':
      break;
    default:
      status.state satisfies never;
  }
  if (connection.agentStanding === 'quarantined') return { tone: 'red', word: 'Agent quarantined' };
  if (agentHealth === null || agentHealth === 'new') return { tone: 'grey', word: 'No agent' };
  if (agentHealth === 'offline') return { tone: 'red', word: 'Agent offline' };
  if (lastJob?.state === 'failed') return { tone: 'red', word: 'Last crawl failed' };
  if (agentHealth === 'late') return { tone: 'amber', word: 'Agent late' };
  return { tone: 'green', word: 'Ready' };
};

const Bypass = () => (
  <div class="panel warn loud" role="note">
    <p class="panel-title">Certificate validation is switched off</p>
    <p>
      Whoever sits between the agent and Qlik can read its credentials and answer in its place. Trust the certificate
      authority in <code>tls.truststore.path</code> instead and remove <code>tls.bypass_certificate_validation</code>.
    </p>
  </div>
);

const LastCrawl = ({ connection: { lastJob } }: { connection: Connection }) => {
  if (lastJob === null) return <span class="quiet">never</span>;
  return (
    <>
      <a href={jobLink(lastJob.id)}>
        <When time={lastJob.finishedAt ?? lastJob.createdAt} />
      </a>{' '}
      <JobState job={lastJob} />
      {!isActive(lastJob) && Object.keys(lastJob.outcomes).length > 0 && (
        <>
          {' '}
          <OutcomeCounts job={lastJob} />
        </>
      )}
    </>
  );
};

/** One connection with all that one has to know about it; the overview and the connection's own page share it. */
export const ConnectionCard = ({
  connection,
  reload,
  level,
}: {
  connection: Connection;
  reload: () => Promise<void>;
  level: 'overview' | 'detail';
}) => {
  const { status, lastJob } = connection;
  const { tone, word } = verdict(connection);
  const errors = status.problems.filter(({ severity }) => severity === 'error').length;
  return (
    <>
      <div class="card-head">
        {level === 'overview' && (
          <h2>
            <a href={connectionLink(connection.code)}>
              <Name text={status.name ?? connection.code} />
            </a>
          </h2>
        )}
        <code class="code">
          <bdi>{connection.code}</bdi>
        </code>
        {status.environment && (
          <span class="tag">
            <Name text={status.environment} limit={40} />
          </span>
        )}
        <Badge tone={tone}>{word}</Badge>
      </div>
      <IdentityWarning
        standing={connection.agentStanding}
        keyEndsAt={connection.agentKeyEndsAt}
        id={connection.agentId}
      />
      {status.bypassCertificateValidation && <Bypass />}
      {status.state === 'error' && (
        <p class="lead-error">
          {errors === 1 ? 'The file has an error.' : `The file has ${errors} errors.`}{' '}
          {status.inForce !== null && status.loadedAt !== null ? (
            <strong>
              The last good version of <Clock time={status.loadedAt} /> keeps working.
            </strong>
          ) : (
            'No good version of it is known: nothing runs until it is corrected.'
          )}
        </p>
      )}
      {status.state === 'absent' && (
        <p class="quiet">The file was removed from the agent. The assets stay; jobs have stopped.</p>
      )}
      <Problems problems={status.problems} />
      <TakeOver connection={connection} reload={reload} />
      <Standby connection={connection} reload={reload} />
      {status.description && (
        <p class="description">
          <Name text={status.description} limit={level === 'detail' ? 2_000 : 240} />
        </p>
      )}
      <dl class="facts">
        <Fact label="Site">{status.url === null ? <span class="quiet">–</span> : <bdi>{status.url}</bdi>}</Fact>
        <Fact label="Agent">
          {connection.agentName === null ? (
            <span class="quiet">none</span>
          ) : (
            <>
              <a href="/agents">
                <Name text={connection.agentName} />
              </a>{' '}
              <span class="quiet">{connection.agentHealth}</span>
            </>
          )}
        </Fact>
        <Fact label="Authentication">{status.authentication ?? <span class="quiet">–</span>}</Fact>
        <Fact label="File">
          <bdi>{status.file}</bdi>
          {status.loadedAt !== null && (
            <span class="quiet">
              {' '}
              read <When time={status.loadedAt} />
            </span>
          )}
        </Fact>
        <Fact label="Assets">{number(connection.assets)}</Fact>
        <Fact label="Last crawl" wide={lastJob !== null && !isActive(lastJob)}>
          <LastCrawl connection={connection} />
        </Fact>
        {connection.lastTest !== null && (
          <Fact label="Last test" wide>
            <TestVerdict job={connection.lastTest} />
          </Fact>
        )}
        {level === 'detail' && status.accessNotes && (
          <Fact label="Access notes" wide>
            <Name text={status.accessNotes} limit={2_000} />
          </Fact>
        )}
      </dl>
      {lastJob?.state === 'failed' && lastJob.error && (
        <ErrorPanel error={lastJob.error} title="The last crawl failed; what was published before stays" standing />
      )}
      {level === 'overview' && lastJob !== null && isActive(lastJob) && (
        <JobProgress job={lastJob}>
          <a href={jobLink(lastJob.id)}>Watch</a>
        </JobProgress>
      )}
      <Actions connection={connection} reload={reload} level={level} />
    </>
  );
};
