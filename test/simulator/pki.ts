/**
 * The site's certificates. One authority signs the server's and the client's certificate, as the QMC exports them
 * (`root.pem`, `client.pem`, `client_key.pem`, and `client.pfx`); a key pair of its own signs JSON web tokens. Keys stay
 * in the folder: making them is the slow part of a start.
 */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';

/** What the proxy, the repository and the engine show. All but `other-authority`, `intercepted` and `self-signed` come from `root.pem`. */
export const SERVER_CERTIFICATES = [
  'valid',
  'expired',
  'not-yet-valid',
  /** Another machine's. */
  'wrong-host',
  /** Signed by an intermediate authority, and the chain is whole. */
  'intermediate',
  /** The same, and the server does not send the intermediate certificate. */
  'missing-intermediate',
  /** Signed by an authority that nobody was told of, without its certificate in the chain. */
  'other-authority',
  /** What a gateway shows that opens TLS on the way: the right name, signed by the gateway, chain and all. */
  'intercepted',
  'self-signed',
] as const;
export type ServerCertificate = (typeof SERVER_CERTIFICATES)[number];

/** What a client may come with: the certificate of `client.pem`, one whose time is over, or one of another site. */
export type ClientCertificate = 'valid' | 'expired' | 'other-authority';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Pki {
  readonly folder: string;
  readonly rootPem: string;
  readonly clientPem: string;
  readonly clientKeyPem: string;
  readonly jwtKeyPem: string;
  readonly jwtCertificatePem: string;
  /** `client.pfx`, locked with {@link PFX_PASSPHRASE}. */
  readonly pfxPath: string;
  server(kind: ServerCertificate): Pair;
  client(kind: ClientCertificate): Pair;
}

export const PFX_PASSPHRASE = 'canary-pfx-passphrase';
const DAY_MS = 86_400_000;
const BITS = 2048;
const INTERMEDIATE_AT = 'http://pki.example.test/intermediate.crt';

/** Writes by rename, so that a second simulator in the same folder never reads half a file. */
const write = (path: string, content: string | Buffer): void => {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, path);
};

const keyPem = (path: string): string => {
  if (existsSync(path)) return readFileSync(path, 'utf8');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: BITS });
  write(path, privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  return readFileSync(path, 'utf8');
};

interface Wish {
  readonly name: string;
  readonly key: string;
  readonly issuer?: { readonly cert: string; readonly key: string };
  readonly hosts?: readonly string[];
  /** Where the issuer's certificate can be fetched, as authorities of companies write it into what they sign. */
  readonly issuerAt?: string;
  readonly usage: 'authority' | 'server' | 'client' | 'signing';
  readonly from: Date;
  readonly to: Date;
}

/** Authority information access: forge knows no name for it. */
const ISSUER_ACCESS = '1.3.6.1.5.5.7.1.1';
const issuerAccess = (url: string): string => {
  const { asn1 } = forge;
  const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
  const { SEQUENCE, OID } = asn1.Type;
  const method = asn1.create(UNIVERSAL, OID, false, asn1.oidToDer('1.3.6.1.5.5.7.48.2').getBytes());
  const place = asn1.create(CONTEXT_SPECIFIC, 6, false, url);
  const access = asn1.create(UNIVERSAL, SEQUENCE, true, [asn1.create(UNIVERSAL, SEQUENCE, true, [method, place])]);
  return asn1.toDer(access).getBytes();
};

const certificate = (wish: Wish): string => {
  const cert = forge.pki.createCertificate();
  const own = forge.pki.privateKeyFromPem(wish.key);
  cert.publicKey = forge.pki.setRsaPublicKey(own.n, own.e);
  cert.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(15))}`;
  cert.validity.notBefore = wish.from;
  cert.validity.notAfter = wish.to;
  const subject = [{ name: 'commonName', value: wish.name }];
  cert.setSubject(subject);
  cert.setIssuer(wish.issuer ? forge.pki.certificateFromPem(wish.issuer.cert).subject.attributes : subject);
  const authority = wish.usage === 'authority';
  const extensions: Record<string, unknown>[] = [
    { name: 'basicConstraints', cA: authority, critical: true },
    { name: 'subjectKeyIdentifier' },
    authority
      ? { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true }
      : { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
  ];
  if (wish.issuer) {
    // Strict clients (Python 3.13) want to be told which key of the issuer signed.
    const issuer = forge.pki.certificateFromPem(wish.issuer.cert);
    extensions.push({
      name: 'authorityKeyIdentifier',
      keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes(),
    });
  }
  if (wish.issuerAt !== undefined) extensions.push({ id: ISSUER_ACCESS, value: issuerAccess(wish.issuerAt) });
  if (wish.usage === 'server') extensions.push({ name: 'extKeyUsage', serverAuth: true });
  if (wish.usage === 'client') extensions.push({ name: 'extKeyUsage', clientAuth: true });
  if (wish.hosts) {
    const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':');
    extensions.push({
      name: 'subjectAltName',
      altNames: wish.hosts.map((host) => (isAddress(host) ? { type: 7, ip: host } : { type: 2, value: host })),
    });
  }
  cert.setExtensions(extensions);
  cert.sign(forge.pki.privateKeyFromPem(wish.issuer?.key ?? wish.key), forge.md.sha256.create());
  return forge.pki.certificateToPem(cert).replaceAll('\r\n', '\n');
};

/** Goes up when certificates are made in another way; those of a folder with another number are made anew. */
const FORM = '2';

const dropOtherForms = (folder: string): void => {
  const marker = join(folder, 'form');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === FORM) return;
  for (const name of readdirSync(folder)) {
    const key = name.endsWith('_key.pem');
    if ((name.endsWith('.pem') && !key) || name.endsWith('.pfx')) rmSync(join(folder, name), { force: true });
  }
  write(marker, FORM);
};

/** Reads a kept certificate; makes a new one when it is missing, ends soon, or belongs to another key. */
const kept = (path: string, key: string, issuer: string | null, make: () => string): string => {
  if (existsSync(path)) {
    const text = readFileSync(path, 'utf8');
    const cert = new X509Certificate(text);
    const lives = Date.parse(cert.validTo) - Date.now() > 30 * DAY_MS;
    const signed = issuer === null || cert.verify(new X509Certificate(issuer).publicKey);
    if (lives && signed && cert.checkPrivateKey(createPrivateKey(key))) return text;
  }
  write(path, make());
  return readFileSync(path, 'utf8');
};

/** Opens the folder's certificates, making what is missing. `hosts`: the names and addresses that the server serves. */
export function openPki(folder: string, hosts: readonly string[]): Pki {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  dropOtherForms(folder);
  const at = (name: string): string => join(folder, name);
  const from = new Date(Date.now() - DAY_MS);
  const to = new Date(Date.now() + 3650 * DAY_MS);
  const rootKey = keyPem(at('root_key.pem'));
  const rootPem = kept(at('root.pem'), rootKey, null, () =>
    certificate({ name: 'qlik-simulator-CA', key: rootKey, usage: 'authority', from, to }),
  );
  const issuer = { cert: rootPem, key: rootKey };
  const clientKeyPem = keyPem(at('client_key.pem'));
  const clientPem = kept(at('client.pem'), clientKeyPem, rootPem, () =>
    certificate({ name: 'QlikClient', key: clientKeyPem, issuer, usage: 'client', from, to }),
  );
  const pfxPath = at('client.pfx');
  if (!existsSync(pfxPath)) {
    const bundle = forge.pkcs12.toPkcs12Asn1(
      forge.pki.privateKeyFromPem(clientKeyPem),
      [forge.pki.certificateFromPem(clientPem), forge.pki.certificateFromPem(rootPem)],
      PFX_PASSPHRASE,
      { algorithm: 'aes256' },
    );
    write(pfxPath, Buffer.from(forge.asn1.toDer(bundle).getBytes(), 'binary'));
  }
  const jwtKeyPem = keyPem(at('jwt_key.pem'));
  const jwtCertificatePem = kept(at('jwt_certificate.pem'), jwtKeyPem, null, () =>
    certificate({ name: 'qlik-simulator-jwt', key: jwtKeyPem, usage: 'signing', from, to }),
  );
  const serverKey = keyPem(at('server_key.pem'));
  const chain = (leaf: string): string => `${leaf}${rootPem}`;
  const past = { from: new Date(Date.now() - 400 * DAY_MS), to: new Date(Date.now() - 35 * DAY_MS) };
  /** An authority beside the site's own; made when it is asked for. */
  const authority = (file: string, name: string, signer?: Pair): Pair => {
    const key = keyPem(at(`${file}_key.pem`));
    const cert = kept(at(`${file}.pem`), key, signer?.cert ?? null, () =>
      certificate({ name, key, usage: 'authority', from, to, ...(signer === undefined ? {} : { issuer: signer }) }),
    );
    return { cert, key };
  };
  const otherAuthority = (): Pair => authority('other_root', 'qlik-simulator-other-CA');
  const client = (kind: ClientCertificate): Pair => {
    const wish = { name: 'QlikClient', key: clientKeyPem, issuer, usage: 'client' as const, from, to };
    switch (kind) {
      case 'valid':
        return { cert: clientPem, key: clientKeyPem };
      case 'expired':
        return { cert: certificate({ ...wish, ...past }), key: clientKeyPem };
      case 'other-authority':
        return { cert: certificate({ ...wish, issuer: otherAuthority() }), key: clientKeyPem };
      default:
        return kind satisfies never;
    }
  };
  const server = (kind: ServerCertificate): Pair => {
    const wish = { key: serverKey, issuer, usage: 'server' as const, from, to };
    const signedBy = (signer: Pair, chained: string, issuerAt?: string): Pair => {
      const at = issuerAt === undefined ? {} : { issuerAt };
      const leaf = certificate({ ...wish, ...at, issuer: signer, name: hosts[0] ?? 'localhost', hosts });
      return { cert: `${leaf}${chained}`, key: serverKey };
    };
    switch (kind) {
      case 'valid': {
        // The names are part of the file's name, so that a run with another host does not find this one.
        const name = `server.${hosts.join('_').replaceAll(/[^\w.-]/g, '-')}.pem`;
        const leaf = kept(at(name), serverKey, rootPem, () =>
          certificate({ ...wish, name: hosts[0] ?? 'localhost', hosts }),
        );
        return { cert: chain(leaf), key: serverKey };
      }
      case 'expired':
        return { cert: chain(certificate({ ...wish, ...past, name: hosts[0] ?? 'localhost', hosts })), key: serverKey };
      case 'wrong-host':
        return {
          cert: chain(certificate({ ...wish, name: 'other.example.test', hosts: ['other.example.test'] })),
          key: serverKey,
        };
      case 'not-yet-valid': {
        const future = { from: new Date(Date.now() + 35 * DAY_MS), to };
        const leaf = certificate({ ...wish, ...future, name: hosts[0] ?? 'localhost', hosts });
        return { cert: chain(leaf), key: serverKey };
      }
      case 'intermediate':
      case 'missing-intermediate': {
        const between = authority('intermediate', 'qlik-simulator-intermediate-CA', issuer);
        return signedBy(between, kind === 'intermediate' ? between.cert : '', INTERMEDIATE_AT);
      }
      case 'other-authority':
        return signedBy(otherAuthority(), '');
      case 'intercepted': {
        const gateway = authority('gateway', 'Example Gateway TLS Inspection CA');
        return signedBy(gateway, gateway.cert);
      }
      case 'self-signed':
        return {
          cert: certificate({ name: hosts[0] ?? 'localhost', key: serverKey, usage: 'server', hosts, from, to }),
          key: serverKey,
        };
      default:
        return kind satisfies never;
    }
  };
  return { folder, rootPem, clientPem, clientKeyPem, jwtKeyPem, jwtCertificatePem, pfxPath, server, client };
}
