import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

/** A key pair and its certificate, as PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

export interface Wanted {
  readonly name: string;
  readonly dns?: readonly string[];
  readonly addresses?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Where the certificate says that its issuer's can be fetched. */
  readonly issuerAt?: string;
  /** Of the RSA key. Default 2048. */
  readonly bits?: number;
}

export interface AuthorityOptions {
  readonly organisation?: string;
  /** Who vouches for this one; itself when absent. */
  readonly issuer?: Authority;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const DAY_MS = 86_400_000;

/** Authority information access with one address of the issuer's certificate; forge has no name for it. */
const issuerAccess = (address: string): { id: string; value: string } => {
  const { create, Class, Type, oidToDer, toDer } = forge.asn1;
  const oid = create(Class.UNIVERSAL, Type.OID, false, oidToDer('1.3.6.1.5.5.7.48.2').getBytes());
  const uri = create(Class.CONTEXT_SPECIFIC, 6 as forge.asn1.Type, false, address);
  const access = create(Class.UNIVERSAL, Type.SEQUENCE, true, [oid, uri]);
  const value = toDer(create(Class.UNIVERSAL, Type.SEQUENCE, true, [access])).getBytes();
  return { id: '1.3.6.1.5.5.7.1.1', value };
};

const extensionsOf = ({ dns = [], addresses = [], issuerAt }: Wanted): unknown[] => {
  const altNames = [...dns.map((value) => ({ type: 2, value })), ...addresses.map((ip) => ({ type: 7, ip }))];
  return [
    { name: 'basicConstraints', cA: false },
    ...(altNames.length > 0 ? [{ name: 'subjectAltName', altNames }] : []),
    ...(issuerAt === undefined ? [] : [issuerAccess(issuerAt)]),
  ];
};

/** A throw-away certificate authority for tests of TLS. */
export class Authority {
  readonly certificate: string;
  readonly #key: forge.pki.PrivateKey;
  readonly #subject: forge.pki.CertificateField[];
  #serial = 1;

  constructor(name: string, options: AuthorityOptions = {}) {
    const { organisation, issuer } = options;
    const keys = generate();
    this.#key = keys.private;
    this.#subject = [
      ...(organisation === undefined ? [] : [{ name: 'organizationName', value: organisation }]),
      { name: 'commonName', value: name },
    ];
    const signer = issuer ?? this;
    const certificate = signer.#certificate(keys.public, this.#subject, options);
    certificate.setExtensions([{ name: 'basicConstraints', cA: true, critical: true }]);
    this.certificate = signer.#sign(certificate);
  }

  /** A server that vouches for itself. */
  static selfSigned(wanted: Wanted): Issued {
    const keys = generate();
    const subject = [{ name: 'commonName', value: wanted.name, valueTagClass: forge.asn1.Type.UTF8 as never }];
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = keys.public;
    certificate.serialNumber = '01';
    certificate.validity.notBefore = wanted.notBefore ?? new Date(Date.now() - DAY_MS);
    certificate.validity.notAfter = wanted.notAfter ?? new Date(Date.now() + DAY_MS);
    certificate.setSubject(subject);
    certificate.setIssuer(subject);
    certificate.setExtensions(extensionsOf(wanted));
    certificate.sign(keys.private as forge.pki.rsa.PrivateKey, forge.md.sha256.create());
    return { certificate: forge.pki.certificateToPem(certificate), key: keys.pem };
  }

  issue(wanted: Wanted): Issued {
    const keys = generate(wanted.bits);
    const certificate = this.#certificate(keys.public, [{ name: 'commonName', value: wanted.name }], wanted);
    certificate.setExtensions(extensionsOf(wanted));
    return { certificate: this.#sign(certificate), key: keys.pem };
  }

  #certificate(
    key: forge.pki.PublicKey,
    subject: forge.pki.CertificateField[],
    { notBefore, notAfter }: Pick<Wanted, 'notBefore' | 'notAfter'>,
  ): forge.pki.Certificate {
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = key;
    certificate.serialNumber = (this.#serial++).toString(16).padStart(4, '0');
    certificate.validity.notBefore = notBefore ?? new Date(Date.now() - DAY_MS);
    certificate.validity.notAfter = notAfter ?? new Date(Date.now() + DAY_MS);
    certificate.setSubject(subject);
    certificate.setIssuer(this.#subject);
    return certificate;
  }

  #sign(certificate: forge.pki.Certificate): string {
    certificate.sign(this.#key as forge.pki.rsa.PrivateKey, forge.md.sha256.create());
    return forge.pki.certificateToPem(certificate);
  }
}

const generate = (bits = 2048): { public: forge.pki.PublicKey; private: forge.pki.PrivateKey; pem: string } => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    public: forge.pki.publicKeyFromPem(publicKey),
    private: forge.pki.privateKeyFromPem(privateKey),
    pem: privateKey,
  };
};
