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
}

/** A throw-away certificate authority for tests of TLS. */
export class Authority {
  readonly certificate: string;
  readonly #key: forge.pki.PrivateKey;
  readonly #subject: forge.pki.CertificateField[];
  #serial = 1;

  constructor(name: string) {
    const keys = generate();
    this.#key = keys.private;
    this.#subject = [{ name: 'commonName', value: name }];
    const certificate = this.#certificate(keys.public, this.#subject, {});
    certificate.setExtensions([{ name: 'basicConstraints', cA: true, critical: true }]);
    this.certificate = this.#sign(certificate);
  }

  issue(wanted: Wanted): Issued {
    const keys = generate();
    const certificate = this.#certificate(keys.public, [{ name: 'commonName', value: wanted.name }], wanted);
    const altNames = [
      ...(wanted.dns ?? []).map((value) => ({ type: 2, value })),
      ...(wanted.addresses ?? []).map((ip) => ({ type: 7, ip })),
    ];
    certificate.setExtensions([
      { name: 'basicConstraints', cA: false },
      ...(altNames.length > 0 ? [{ name: 'subjectAltName', altNames }] : []),
    ]);
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
    certificate.validity.notBefore = notBefore ?? new Date(Date.now() - 86_400_000);
    certificate.validity.notAfter = notAfter ?? new Date(Date.now() + 86_400_000);
    certificate.setSubject(subject);
    certificate.setIssuer(this.#subject);
    return certificate;
  }

  #sign(certificate: forge.pki.Certificate): string {
    certificate.sign(this.#key as forge.pki.rsa.PrivateKey, forge.md.sha256.create());
    return forge.pki.certificateToPem(certificate);
  }
}

const generate = (): { public: forge.pki.PublicKey; private: forge.pki.PrivateKey; pem: string } => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    public: forge.pki.publicKeyFromPem(publicKey),
    private: forge.pki.privateKeyFromPem(privateKey),
    pem: privateKey,
  };
};
