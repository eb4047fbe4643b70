/**
 * Many agents that have nothing to do, as cheap as they can be: `node idle-agents.ts '<options as JSON>'`. Each opens a session
 * as the protocol says and sends its heartbeats. Says that it is ready when all are welcome.
 */
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { AGENT_PATH, SUBPROTOCOL } from '#protocol/constants.ts';
import { challenge } from '#protocol/messages.ts';

export interface IdleAgentsOptions {
  readonly port: number;
  readonly agents: number;
  readonly rootPem: string | undefined;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
}

const { port, agents, rootPem, privateKey } = JSON.parse(process.argv[2] ?? '') as IdleAgentsOptions;
const key = createPrivateKey(privateKey);
const host = `localhost:${port}`;
const address = `${rootPem === undefined ? 'ws' : 'wss'}://${host}${AGENT_PATH}`;
const AT_ONCE = 100;

/** As an agent with one connection says it. */
const status = {
  version: '0.1.0',
  hostname: 'qlik-server-01',
  platform: 'win32-x64',
  startedAt: new Date().toISOString(),
  connectionsFolder: 'C:\\ProgramData\\Culvert\\connections',
  connections: [
    {
      file: 'production.conf',
      code: 'production',
      name: 'Production',
      state: 'ready',
      inForce: 'a'.repeat(64),
      loadedAt: new Date().toISOString(),
      url: 'https://qlik.example.com/culvert',
      authentication: 'jwt',
      environment: 'production',
      description: null,
      accessNotes: null,
      bypassCertificateValidation: false,
      problems: [],
    },
  ],
};

const connect = (): Promise<void> =>
  new Promise((welcome, reject) => {
    const agentId = randomUUID();
    const bootId = randomUUID();
    const socket = new WebSocket(address, [SUBPROTOCOL], {
      ...(rootPem === undefined ? {} : { ca: rootPem }),
      perMessageDeflate: false,
    });
    const say = (message: object): void => socket.send(JSON.stringify(message));
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as { type: string; nonce: string; heartbeatMs: number };
      if (message.type === 'hello') {
        const text = challenge(host, message.nonce, agentId, bootId);
        const signature = sign(null, Buffer.from(text), key).toString('base64');
        const identity = { agentId, keyId: 'bench', bootId, version: '0.1.0' };
        say({ type: 'auth', ...identity, capabilities: ['zstd', 'resume', 'scopes'], signature, jobs: [], status });
      } else if (message.type === 'welcome') {
        const beat = (): void => say({ type: 'heartbeat', leases: [] });
        setTimeout(() => {
          beat();
          setInterval(beat, message.heartbeatMs);
        }, message.heartbeatMs * Math.random());
        welcome();
      }
    });
    // A bench of agents that are not there says nothing.
    socket.on('close', (code) => reject(new Error(`the gateway closed with ${code}`)));
    socket.on('error', reject);
  });

let left = agents;
const connectSome = async (): Promise<void> => {
  while (left-- > 0) await connect();
};
await Promise.all(Array.from({ length: AT_ONCE }, connectSome));
process.stdout.write(`${JSON.stringify({ ready: true, agents })}\n`);
await once(process.stdin.resume(), 'end');
process.exit();
