import { request } from 'node:http';
import type { AgentFacts } from './facts.ts';

const MOST_BYTES = 8 * 1024 * 1024;
const PATIENCE_MS = 3_000;

/**
 * What an agent on this machine answers on a path of its health port.
 * @throws Error when nothing answers in time
 */
export const askHealth = (port: number, path: string): Promise<{ readonly status: number; readonly text: string }> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MOST_BYTES) response.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
    asked.on('close', () => clearTimeout(timer));
    asked.on('error', reject);
    asked.end();
  });

/** The facts of the agent that answers there; undefined when it is something else that does. */
export const askFacts = async (port: number): Promise<AgentFacts | undefined> => {
  const { status, text } = await askHealth(port, '/statusz');
  if (status !== 200) return undefined;
  try {
    const facts = JSON.parse(text) as Partial<AgentFacts>;
    return typeof facts.pid === 'number' && facts.link !== undefined && facts.spool !== undefined
      ? (facts as AgentFacts)
      : undefined;
  } catch {
    return undefined;
  }
};
