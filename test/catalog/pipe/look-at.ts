import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AgentFacts } from '#agent/operations/facts.ts';

const run = promisify(execFile);
const AGENT = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');

/** The programs are read from outside, as an administrator and as Prometheus would. */
export const lookAt = (folder: string, stateFolder = join(folder, 'state')) => {
  const get = async (path: string, host?: string): Promise<{ status: number; text: string }> => {
    const { port } = JSON.parse(await readFile(join(stateFolder, 'health.json'), 'utf8')) as { port: number };
    return await new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port, path, headers: { ...(host === undefined ? {} : { host }) } },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      sent.on('error', reject);
      sent.end();
    });
  };
  const culvert = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    try {
      return { code: 0, ...(await run(process.execPath, [AGENT, ...args, '--config', join(folder, 'agent.conf')])) };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  };
  return {
    get,
    culvert,
    facts: async () => JSON.parse((await get('/statusz')).text) as AgentFacts,
    metric: async (name: string) =>
      (await get('/metrics')).text
        .split('\n')
        .find((line) => line.startsWith(`culvert_agent_${name} `))
        ?.split(' ')
        .at(-1),
  };
};
