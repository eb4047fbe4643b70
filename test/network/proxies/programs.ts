import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  globSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Issued } from '#test/unit/network/authority.ts';

const PROGRAMS = {
  squid: ['/usr/sbin/squid', 'squid-openssl'],
  tinyproxy: ['/usr/bin/tinyproxy', 'tinyproxy'],
  danted: ['/usr/sbin/danted', 'dante-server'],
  microsocks: ['/usr/bin/microsocks', 'microsocks'],
  stunnel: ['/usr/bin/stunnel', 'stunnel4'],
} as const;

/** Gives a program names and users of its own, without a word in the files of the system. */
const WRAPPER = 'libnss_wrapper.so';

/** True when a proxy is missing: says so, with the line to type. In continuous integration that is an error. */
export const noProxies = (): boolean => {
  const missing: string[] = Object.values(PROGRAMS)
    .filter(([path]) => !existsSync(path))
    .map(([, name]) => name);
  if (existsSync(PROGRAMS.squid[0]) && !/with-openssl/.test(String(spawnSync(PROGRAMS.squid[0], ['-v']).stdout)))
    missing.push('squid-openssl');
  if (globSync(`/usr/lib/*/${WRAPPER}`).length === 0) missing.push('libnss-wrapper');
  if (missing.length === 0) return false;
  const line = `Proxies are missing: as root, type  apt-get install ${missing.join(' ')}`;
  if (process.env['CI']) throw new Error(line);
  process.stderr.write(`\n*** real proxies skipped. ${line}\n\n`);
  return true;
};

/** A port that was free a moment ago. */
export const freePort = async (): Promise<number> => {
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

export interface User {
  readonly name: string;
  readonly password: string;
}

/** Where a proxy listens, and the address that it dials from, which no other has: who is called knows who called. */
export interface Door {
  readonly port: number;
  readonly from: string;
}

const LOOPBACK = '127.0.0.1';

/** Proxies of Debian, each with a configuration of its own in `folder`. `names` lead to 127.0.0.1, known to them alone. */
export class RealProxies implements AsyncDisposable {
  readonly #running: ChildProcess[] = [];
  readonly #folder: string;
  readonly #names: readonly string[];
  #doors = 0;

  constructor(folder: string, names: readonly string[]) {
    this.#folder = folder;
    this.#names = names;
  }

  async #door(): Promise<Door> {
    this.#doors += 1;
    return { port: await freePort(), from: `127.0.0.${this.#doors + 1}` };
  }

  /** Writes a file for a program and gives its path. */
  #write(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text, { mode: 0o644 });
    return path;
  }

  #hosts(address: string): string {
    return this.#write(`hosts-${address.length}`, this.#names.map((name) => `${address} ${name}\n`).join(''));
  }

  async #run(
    program: keyof typeof PROGRAMS,
    args: readonly string[],
    ports: readonly number[],
    env: Record<string, string> = { LD_PRELOAD: WRAPPER, NSS_WRAPPER_HOSTS: this.#hosts(LOOPBACK) },
  ): Promise<void> {
    const log = join(this.#folder, `${program}-${ports[0]}.log`);
    const out = openSync(log, 'a');
    const child = spawn(PROGRAMS[program][0], args, { stdio: ['ignore', out, out], env: { ...process.env, ...env } });
    closeSync(out);
    this.#running.push(child);
    for (const port of ports)
      while (!(await answers(port))) {
        if (child.exitCode !== null) throw new Error(`${program} ended: ${readFileSync(log, 'utf8').slice(-2000)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
  }

  /**
   * squid on four ports: plain and TLS, each open to everybody and with a log-in by Basic. Port 9 of servers is forbidden.
   */
  async squid(
    user: User,
    certificate: Issued,
  ): Promise<Readonly<Record<'open' | 'plain' | 'openTls' | 'secure', Door>>> {
    const folder = join(this.#folder, 'squid');
    mkdirSync(folder);
    const [open, plain] = [await this.#door(), await this.#door()];
    const [openTls, secure] = [await this.#door(), await this.#door()];
    const hash = spawnSync('openssl', ['passwd', '-apr1', '-stdin'], { input: user.password }).stdout.toString().trim();
    const pair = `tls-cert=${folder}/tls.pem tls-key=${folder}/tls.key`;
    const outgoing = Object.entries({ open, plain, openTls, secure })
      .map(([name, { from }]) => `acl by_${name} myportname ${name}\ntcp_outgoing_address ${from} by_${name}\n`)
      .join('');
    const files = {
      passwd: `${user.name}:${hash}\n`,
      hosts: this.#names.map((name) => `${LOOPBACK} ${name}\n`).join(''),
      'tls.pem': certificate.certificate,
      'tls.key': certificate.key,
      'squid.conf': `http_port 127.0.0.1:${open.port} name=open
http_port 127.0.0.1:${plain.port} name=plain
https_port 127.0.0.1:${openTls.port} name=openTls ${pair}
https_port 127.0.0.1:${secure.port} name=secure ${pair}
auth_param basic program /usr/lib/squid/basic_ncsa_auth ${folder}/passwd
auth_param basic children 1
auth_param basic realm proxy
acl open_port myportname open openTls
acl forbidden port 9
acl known proxy_auth REQUIRED
http_access deny forbidden
http_access allow open_port
http_access allow known
http_access deny all
${outgoing}hosts_file ${folder}/hosts
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
    const ports = [open, plain, openTls, secure].map(({ port }) => port);
    await this.#run('squid', ['-N', '-f', join(folder, 'squid.conf')], ports, {});
    return { open, plain, openTls, secure };
  }

  /** HTTP; open, or with a log-in by Basic. */
  async tinyproxy(user?: User): Promise<Door> {
    const door = await this.#door();
    const account = user === undefined ? '' : `BasicAuth ${user.name} ${user.password}\n`;
    const file = this.#write(
      `tinyproxy-${door.port}.conf`,
      `Port ${door.port}\nListen 127.0.0.1\nBind ${door.from}\nTimeout 60\n${account}`,
    );
    await this.#run('tinyproxy', ['-d', '-c', file], [door.port]);
    return door;
  }

  /**
   * SOCKS5, open or with a name and a password; the open one speaks SOCKS4, too, but no SOCKS4a: names it takes by SOCKS5
   * only. The user is one of the system, which only this program is told of.
   */
  async dante(user?: User): Promise<Door> {
    const door = await this.#door();
    const { username } = userInfo();
    const own = `danted-${door.port}`;
    const file = this.#write(
      `${own}.conf`,
      `logoutput: stderr
internal: 127.0.0.1 port = ${door.port}
external: ${door.from}
socksmethod: ${user === undefined ? 'none' : 'username'}
clientmethod: none
user.privileged: ${username}
user.unprivileged: ${username === 'root' ? 'nobody' : username}
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0/0 log: error connect }
`,
    );
    const env: Record<string, string> = { LD_PRELOAD: WRAPPER, NSS_WRAPPER_HOSTS: this.#hosts(LOOPBACK) };
    if (user !== undefined) {
      const { stdout } = spawnSync('openssl', ['passwd', '-6', '-stdin'], { input: user.password });
      const system = (path: string): string => readFileSync(path, 'utf8');
      Object.assign(env, {
        NSS_WRAPPER_PASSWD: this.#write(
          `${own}.passwd`,
          `${system('/etc/passwd')}${user.name}:x:4711:4711::/nonexistent:/bin/false\n`,
        ),
        NSS_WRAPPER_GROUP: this.#write(`${own}.group`, `${system('/etc/group')}${user.name}:x:4711:\n`),
        NSS_WRAPPER_SHADOW: this.#write(`${own}.shadow`, `${user.name}:${String(stdout).trim()}:20000:0:99999:7:::\n`),
      });
    }
    await this.#run('danted', ['-f', file, '-p', join(this.#folder, `${own}.pid`)], [door.port], env);
    return door;
  }

  /** SOCKS5; open, or with a name and a password. */
  async microsocks(user?: User): Promise<Door> {
    const door = await this.#door();
    const account = user === undefined ? [] : ['-u', user.name, '-P', user.password];
    await this.#run(
      'microsocks',
      ['-i', '127.0.0.1', '-p', String(door.port), '-b', door.from, ...account],
      [door.port],
    );
    return door;
  }

  /**
   * SOCKS4, SOCKS4a and SOCKS5, open to everybody. It is an end of TLS, so there are two ends: one takes from the client,
   * the other dials. It refuses to dial loopback addresses but knows them only by their usual spelling; asked for an
   * address rather than for one of the names, it refuses.
   */
  async stunnel(certificate: Issued): Promise<Door> {
    const door = await this.#door();
    const inner = await freePort();
    const file = this.#write(
      'stunnel.conf',
      `foreground = yes
pid =
debug = info
[client]
client = yes
accept = 127.0.0.1:${door.port}
connect = 127.0.0.1:${inner}
[socks]
accept = 127.0.0.1:${inner}
protocol = socks
local = ::ffff:${door.from}
cert = ${this.#write('stunnel.pem', certificate.certificate)}
key = ${this.#write('stunnel.key', certificate.key)}
`,
    );
    await this.#run('stunnel', [file], [door.port, inner], {
      LD_PRELOAD: WRAPPER,
      NSS_WRAPPER_HOSTS: this.#hosts(`::ffff:${LOOPBACK}`),
    });
    return door;
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
