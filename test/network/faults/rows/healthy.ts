import { byPfx, byValue, certificate, file, header, jwt, signedJwt, ticket, windows } from '../connections.ts';
import type { Group, HealthyRow } from '../row.ts';
import { jksNamedP12 } from './files.ts';

export const healthy: Group<HealthyRow> = {
  title: 'Nothing is wrong',
  rows: [
    { name: 'header', made: 'as it should be', connection: (stage) => file(stage, header(stage)) },
    { name: 'JWT', made: 'as it should be', connection: (stage) => file(stage, jwt(stage)) },
    { name: 'JWT that the agent signs', made: 'as it should be', connection: (stage) => file(stage, signedJwt(stage)) },
    { name: 'certificates', made: 'as it should be', connection: (stage) => file(stage, certificate(stage)) },
    {
      name: 'certificates by value',
      made: 'PEM text in the file',
      connection: (stage) => file(stage, certificate(stage, { block: byValue(stage) })),
    },
    {
      name: 'PFX',
      made: 'as it should be',
      connection: (stage) => file(stage, certificate(stage, { block: byPfx(stage) })),
    },
    { name: 'ticket', made: 'as it should be', connection: (stage) => file(stage, ticket(stage)) },
    {
      name: 'NTLM',
      made: 'as it should be',
      need: 'ntlm',
      connection: (stage) => file(stage, windows(stage, { method: 'ntlm' })),
    },
    {
      name: 'NTLM with extended protection',
      made: 'a log-in that is not bound to its TLS connection is refused',
      need: 'ntlm',
      site: { windows: { demandsBinding: true } },
      connection: (stage) => file(stage, windows(stage, { method: 'ntlm' })),
    },
    {
      name: 'form',
      made: 'as it should be',
      need: 'ntlm',
      connection: (stage) => file(stage, windows(stage, { method: 'forms' })),
    },
    {
      name: 'a release before November 2024',
      made: 'no csrf token, no script rights by update',
      site: { profile: 'november-2021' },
      connection: (stage) => file(stage, header(stage)),
    },
    {
      name: 'a site that has slept',
      made: 'the first answer takes two seconds',
      site: { faults: { coldStartMs: 2_000 } },
      connection: (stage) => file(stage, header(stage)),
    },
    {
      name: 'a token for somebody else',
      made: 'any `aud`: Qlik Sense does not look at it',
      connection: (stage) => file(stage, jwt(stage, stage.site.token(undefined, { aud: 'another-service' }))),
    },
    {
      name: 'a whole chain with an intermediate certificate',
      made: 'as companies have it',
      site: { certificate: 'intermediate' },
      connection: (stage) => file(stage, header(stage)),
    },
    {
      name: 'a JKS store under the name of a PKCS12 store',
      made: 'truststore.p12 is what keytool of Java 8 made',
      notes: ['config.suspicious_value'],
      connection: (stage) => file(stage, header(stage), '', jksNamedP12(stage)),
    },
    {
      name: 'certificates are not checked',
      made: '`bypass_certificate_validation = true`',
      notes: ['config.suspicious_value', 'tls.unchecked'],
      site: { certificate: 'expired' },
      connection: (stage) => file(stage, header(stage), 'tls.bypass_certificate_validation = true'),
    },
    {
      name: 'no data connection is visible',
      made: 'an empty list; there may be none',
      notes: ['qlik.connections_not_visible'],
      site: { faults: { emptyLists: ['dataconnection'] } },
      connection: (stage) => file(stage, header(stage)),
    },
    {
      name: 'users are not visible',
      made: 'an empty list, which no site has',
      notes: ['qlik.kinds_not_visible'],
      site: { faults: { emptyLists: ['user'] } },
      connection: (stage) => file(stage, header(stage)),
    },
    {
      name: 'tables and fields are not kept',
      made: 'HTTP 404 to data/metadata',
      notes: ['qlik.data_model_unavailable'],
      site: { faults: { metadata: false } },
      connection: (stage) => file(stage, header(stage)),
    },
    {
      name: 'one app is denied, the others are not',
      made: 'section access of some apps',
      connection: (stage) => file(stage, header(stage)),
    },
  ],
};
