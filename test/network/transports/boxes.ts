import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Issued } from '#test/unit/network/authority.ts';
import { freePort } from '../proxies/programs.ts';

const APACHE = '/usr/sbin/apache2';
const MODULES = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'ssl', 'socache_shmcb'];

/** True when there is no Apache: says so, with the line to type. */
export const noApache = (): boolean => {
  if (existsSync(APACHE)) return false;
  const line = 'apache2 is missing: as root, type  apt-get install apache2-bin';
  if (process.env['CI']) throw new Error(line);
  process.stderr.write(`\n*** the reverse proxy skipped. ${line}\n\n`);
  return true;
};

/** Stands before a server. */
export interface Box extends AsyncDisposable {
  readonly port: number;
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** Apache as most people write it: it passes requests on, and no upgrades. `folder` is empty and its own. */
export const apache = async (folder: string, target: number, tls: Issued): Promise<Box> => {
  const port = await freePort();
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'cert.pem'), tls.certificate);
  writeFileSync(join(folder, 'key.pem'), tls.key, { mode: 0o600 });
  writeFileSync(
    join(folder, 'apache.conf'),
    `ServerRoot /usr/lib/apache2
ServerName localhost
PidFile ${folder}/apache.pid
DefaultRuntimeDir ${folder}
Listen 127.0.0.1:${port}
${MODULES.map((name) => `LoadModule ${name}_module modules/mod_${name}.so`).join('\n')}
${userInfo().uid === 0 ? 'User www-data\nGroup www-data' : ''}
ErrorLog ${folder}/error.log
SSLEngine on
SSLCertificateFile ${folder}/cert.pem
SSLCertificateKeyFile ${folder}/key.pem
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:${target}/
`,
  );
  const child: ChildProcess = spawn(APACHE, ['-f', join(folder, 'apache.conf'), '-D', 'FOREGROUND'], {
    stdio: 'ignore',
    env: { PATH: '/usr/sbin:/usr/bin:/bin', LANG: 'C.UTF-8' },
  });
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`apache2 ended: ${readFileSync(join(folder, 'error.log'), 'utf8')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
};

/** Passes everything on, but behind an upgrade nothing more in either direction, as some inspecting firewalls do. */
export const stalling = async (target: number): Promise<Box & { readonly stalls: () => number }> => {
  const sockets = new Set<Socket>();
  let stalls = 0;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer((socket) => {
    keep(socket);
    const inner = connect(target, '127.0.0.1');
    keep(inner);
    let silent = false;
    socket.on('data', (bytes: Buffer) => {
      if (!silent) inner.write(bytes);
    });
    inner.on('data', (bytes: Buffer) => {
      if (silent) return;
      const end = bytes.toString('latin1').startsWith('HTTP/1.1 101') ? bytes.indexOf('\r\n\r\n') + 4 : bytes.length;
      socket.write(bytes.subarray(0, end));
      if (end !== bytes.length || bytes.toString('latin1').startsWith('HTTP/1.1 101')) {
        silent = true;
        stalls += 1;
      }
    });
    socket.once('close', () => inner.destroy());
    inner.once('close', () => {
      if (!silent) socket.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stalls: () => stalls,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
