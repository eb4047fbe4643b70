import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { run } from '../spawned.ts';
import { freePort } from './programs.ts';

const SQUID = '/usr/sbin/squid';
const CERTIFICATES = '/usr/lib/squid/security_file_certgen';

/** True when there is no squid that can break TLS open: says so, with the line to type. */
export const noInspector = (): boolean => {
  if (existsSync(SQUID) && existsSync(CERTIFICATES)) return false;
  const line = 'squid is missing: as root, type  apt-get install squid-openssl';
  if (process.env['CI']) throw new Error(line);
  process.stderr.write(`\n*** the inspecting proxy skipped. ${line}\n\n`);
  return true;
};

const answers = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1');
  const answered = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return answered;
};

/** A squid that shows certificates of its own making in place of the servers'. */
export class Inspector implements AsyncDisposable {
  readonly port: number;
  /** Its own authority (PEM). */
  readonly authority: string;
  readonly #child: ChildProcess;

  private constructor(port: number, authority: string, child: ChildProcess) {
    this.port = port;
    this.authority = authority;
    this.#child = child;
  }

  /** `folder` is empty and its own. `name` is that of its authority; it trusts `serverRoot` (PEM) itself. */
  static async start(folder: string, name: string, serverRoot: string): Promise<Inspector> {
    const port = await freePort();
    const subject = ['-subj', `/O=Corp/CN=${name}`, '-days', '90', '-nodes', '-newkey', 'rsa:2048'];
    run('openssl', ['req', '-x509', ...subject, '-keyout', 'ca.key', '-out', 'ca.pem'], folder);
    run(CERTIFICATES, ['-c', '-s', join(folder, 'made'), '-M', '4MB'], folder);
    const config = join(folder, 'squid.conf');
    writeFileSync(join(folder, 'servers.pem'), serverRoot);
    writeFileSync(
      config,
      `http_port 127.0.0.1:${port} ssl-bump tls-cert=${folder}/ca.pem tls-key=${folder}/ca.key generate-host-certificates=on
sslcrtd_program ${CERTIFICATES} -s ${folder}/made -M 4MB
sslcrtd_children 1
tls_outgoing_options cafile=${folder}/servers.pem
ssl_bump bump all
http_access allow all
dns_nameservers 127.0.0.1
pid_filename ${folder}/squid.pid
access_log none
cache_log ${folder}/cache.log
cache deny all
cache_mem 8 MB
coredump_dir ${folder}
shutdown_lifetime 1 seconds
visible_hostname localhost
netdb_filename none
pinger_enable off
`,
    );
    if (userInfo().uid === 0) giveToSquid(folder);
    const log = join(folder, 'squid.log');
    const out = openSync(log, 'a');
    const child = spawn(SQUID, ['-N', '-f', config], { stdio: ['ignore', out, out] });
    closeSync(out);
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`squid ended: ${readFileSync(log, 'utf8').slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return new Inspector(port, readFileSync(join(folder, 'ca.pem'), 'utf8'), child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(patience);
  }
}

/** squid gives up its rights to the user `proxy` of Debian. */
const giveToSquid = (folder: string): void => {
  const id = (flag: string): number => Number(spawnSync('id', [flag, 'proxy']).stdout.toString());
  const [user, group] = [id('-u'), id('-g')];
  chownSync(folder, user, group);
  chmodSync(join(folder, '..'), 0o755);
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    chownSync(join(folder, entry), user, group);
};
