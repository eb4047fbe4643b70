import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Issued } from '#test/unit/network/authority.ts';
import { PROXY_ADDRESS } from '#test/unit/network/proxies.ts';

const PROGRAMS = {
  squid: ['/usr/sbin/squid', 'squid-openssl'],
  tinyproxy: ['/usr/bin/tinyproxy', 'tinyproxy'],
  danted: ['/usr/sbin/danted', 'dante-server'],
  microsocks: ['/usr/bin/microsocks', 'microsocks'],
} as const;

/** True when a proxy is missing: says so, with the line to type. In continuous integration that is an error. */
export const noProxies = (): boolean => {
  const missing: string[] = Object.values(PROGRAMS)
    .filter(([path]) => !existsSync(path))
    .map(([, name]) => name);
  if (existsSync(PROGRAMS.squid[0]) && !/with-openssl/.test(String(spawnSync(PROGRAMS.squid[0], ['-v']).stdout)))
    missing.push('squid-openssl');
  if (missing.length === 0) return false;
  const line = `Proxies are missing: as root, type  apt-get install ${missing.join(' ')}`;
  if (process.env['CI']) throw new Error(line);
  process.stderr.write(`\n*** real proxies skipped. ${line}\n\n`);
  return true;
};

/** A port that was free a moment ago. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Proxies of Debian, each with a configuration of its own in `folder`; they dial from {@link PROXY_ADDRESS}. */
export class RealProxies implements AsyncDisposable {
  readonly #running: ChildProcess[] = [];
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async #run(program: keyof typeof PROGRAMS, args: readonly string[], ports: readonly number[]): Promise<void> {
    const log = join(this.#folder, `${program}-${ports[0]}.log`);
    const out = openSync(log, 'a');
    const child = spawn(PROGRAMS[program][0], args, { stdio: ['ignore', out, out] });
    this.#running.push(child);
    for (const port of ports)
      while (!(await answers(port))) {
        if (child.exitCode !== null) throw new Error(`${program} ended: ${readFileSync(log, 'utf8').slice(-2000)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
  }

  /**
   * squid on three ports: `open` to everybody, `plain` and `secure` (TLS) with a log-in by Basic. `names` lead to
   * 127.0.0.1 and are known to squid alone; port 9 is forbidden.
   */
  async squid(
    user: { readonly name: string; readonly password: string },
    certificate: Issued,
    names: readonly string[],
  ): Promise<{ open: number; plain: number; secure: number }> {
    const folder = join(this.#folder, 'squid');
    mkdirSync(folder);
    const [open, plain, secure] = [await freePort(), await freePort(), await freePort()];
    const hash = spawnSync('openssl', ['passwd', '-apr1', '-stdin'], { input: user.password }).stdout.toString().trim();
    const files = {
      passwd: `${user.name}:${hash}\n`,
      hosts: names.map((name) => `127.0.0.1 ${name}\n`).join(''),
      'tls.pem': certificate.certificate,
      'tls.key': certificate.key,
      'squid.conf': `http_port 127.0.0.1:${open} name=open
http_port 127.0.0.1:${plain}
https_port 127.0.0.1:${secure} tls-cert=${folder}/tls.pem tls-key=${folder}/tls.key
auth_param basic program /usr/lib/squid/basic_ncsa_auth ${folder}/passwd
auth_param basic children 1
auth_param basic realm proxy
acl open_port myportname open
acl forbidden port 9
acl known proxy_auth REQUIRED
http_access deny forbidden
http_access allow open_port
http_access allow known
http_access deny all
tcp_outgoing_address ${PROXY_ADDRESS}
hosts_file ${folder}/hosts
dns_nameservers 127.0.0.1
pid_filename ${folder}/squid.pid
access_log stdio:${folder}/access.log
cache_log ${folder}/cache.log
cache deny all
cache_mem 8 MB
coredump_dir ${folder}
shutdown_lifetime 1 seconds
visible_hostname localhost
netdb_filename none
pinger_enable off
`,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    if (userInfo().uid === 0) {
      // squid gives up its rights to the user `proxy` of Debian.
      const id = (flag: string): number => Number(spawnSync('id', [flag, 'proxy']).stdout.toString());
      chmodSync(this.#folder, 0o755);
      for (const path of [folder, ...Object.keys(files).map((name) => join(folder, name))])
        chownSync(path, id('-u'), id('-g'));
    }
    await this.#run('squid', ['-N', '-f', join(folder, 'squid.conf')], [open, plain, secure]);
    return { open, plain, secure };
  }

  async tinyproxy(name: string, password: string): Promise<number> {
    const port = await freePort();
    const file = join(this.#folder, 'tinyproxy.conf');
    writeFileSync(
      file,
      `Port ${port}\nListen 127.0.0.1\nBind ${PROXY_ADDRESS}\nTimeout 60\nBasicAuth ${name} ${password}\n`,
    );
    await this.#run('tinyproxy', ['-d', '-c', file], [port]);
    return port;
  }

  /** SOCKS5 and SOCKS4, open to everybody. It knows no SOCKS4a: names it takes by SOCKS5 only. */
  async dante(): Promise<number> {
    const port = await freePort();
    const file = join(this.#folder, 'danted.conf');
    const { username } = userInfo();
    writeFileSync(
      file,
      `logoutput: stderr
internal: 127.0.0.1 port = ${port}
external: ${PROXY_ADDRESS}
socksmethod: none
clientmethod: none
user.privileged: ${username}
user.unprivileged: ${username === 'root' ? 'nobody' : username}
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0/0 log: error connect }
`,
    );
    await this.#run('danted', ['-f', file, '-p', join(this.#folder, 'danted.pid')], [port]);
    return port;
  }

  /** SOCKS5; open, or with a name and a password. */
  async microsocks(user?: { readonly name: string; readonly password: string }): Promise<number> {
    const port = await freePort();
    const account = user === undefined ? [] : ['-u', user.name, '-P', user.password];
    await this.#run('microsocks', ['-i', '127.0.0.1', '-p', String(port), '-b', PROXY_ADDRESS, ...account], [port]);
    return port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#running.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
        await ended;
        clearTimeout(patience);
      }),
    );
  }
}
