import type { HttpRoute } from '#agent/network/dialer.ts';
import type { QlikSession } from '../auth/session.ts';
import { jsonOf, refusal } from '../auth/verdict.ts';
import type { EngineHealth } from '../strain.ts';

/** An engine that is short of time answers late or not at all: nobody waits for it long. */
const HEALTH_MS = 5_000;
const MAX_BYTES = 1024 * 1024;

/**
 * `GET …/engine/healthcheck`. Undefined for whatever is no answer of an engine (a page, an error, another document, silence):
 * a crawl then goes without. Throws only the reason of `signal`.
 */
export const readHealth = async (
  http: HttpRoute,
  session: QlikSession,
  prefix: string | undefined,
  signal: AbortSignal | undefined,
): Promise<EngineHealth | undefined> => {
  const path = `${prefix === undefined || prefix === '' ? '' : `/${prefix}`}/engine/healthcheck`;
  const asked = { peer: http.peer, method: 'GET', path, prefix };
  try {
    // Not as other requests go: a page in its place would count as a lost session, and each poll would begin another.
    const pass = await session.upgrade(signal);
    const reply = await http.request({
      path,
      headers: { accept: 'application/json', ...pass.headers },
      signal,
      headersTimeoutMs: HEALTH_MS,
      bodyTimeoutMs: HEALTH_MS,
      deadlineMs: HEALTH_MS,
      maxBytes: MAX_BYTES,
    });
    if (refusal(reply, asked) !== undefined) return undefined;
    const answer = jsonOf(reply, asked);
    const saturated = typeof answer === 'object' && answer !== null && 'saturated' in answer ? answer.saturated : '';
    return typeof saturated === 'boolean' ? { saturated } : undefined;
  } catch {
    if (signal?.aborted === true) throw signal.reason;
    return undefined;
  }
};
