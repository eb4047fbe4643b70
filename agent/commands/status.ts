import { type Verdict, verdictOf } from '#agent/operations/findings.ts';
import { statusReport, statusScreen } from '#agent/operations/status-screen.ts';
import { FAILED, NOT_RUNNING } from './exit-codes.ts';
import { lookAtAgent } from './look-at-agent.ts';

export interface StatusOptions {
  readonly config: string;
  readonly json?: boolean;
}

const EXIT: Readonly<Record<Verdict, number>> = { well: 0, unwell: FAILED, silent: FAILED, down: NOT_RUNNING };

/**
 * Says how the agent is; the exit code says it, too.
 * @throws Fault `config.unreadable`
 */
export const status = async ({ config, json }: StatusOptions): Promise<void> => {
  const found = await lookAtAgent(config);
  process.stdout.write(json ? `${JSON.stringify(statusReport(found), null, 2)}\n` : statusScreen(found, Date.now()));
  process.exitCode = EXIT[verdictOf(found)];
};
