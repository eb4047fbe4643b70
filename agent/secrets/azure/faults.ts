import type { Secret } from '#config/secret.ts';
import { Fault } from '#protocol/errors.ts';
import { textAt } from '../fields.ts';
import { quoted } from '../quote.ts';
import { type Answer, patienceAsked } from '../server.ts';

/** What the login of Microsoft Entra says by number (`AADSTS7000215: …`), for the mistakes that people make. */
const LOGIN_ADVICE: Readonly<Record<string, string>> = {
  '7000215': 'Copy the value of a client secret of the application; what stands beside it as its id does not work.',
  '7000222':
    'Make a new client secret for the application and write its value into `agent.conf`: this one has expired.',
  '700016': 'Check client_id and tenant_id: the application is not registered in this tenant.',
  '90002': 'Check tenant_id: there is no such tenant in this cloud (`authority`).',
  '900023': 'Check tenant_id: it is neither an id nor a domain of a tenant.',
  '53003': 'A Conditional Access policy blocks the login: ask for an exception for this workload.',
  '7000112': 'The application is disabled: enable its enterprise application.',
};

/** The advice where a server asks for patience. */
export const SLOWER = 'It is asked again by itself, more slowly.';

/** Why the login gave no token. */
export const loginFault = (place: string, answer: Answer, confidential: readonly Secret[]): Fault => {
  const { status, json } = answer;
  const error = textAt(json, 'error') ?? '';
  const description = textAt(json, 'error_description') ?? '';
  // The first line says it; the others identify the request.
  const words = quoted(description.slice(0, 4096).split(/\r?\n| Trace ID:/)[0] ?? '', confidential);
  const quote = words === '' ? '' : ` (${words})`;
  if (status === 429 || status >= 500 || error === 'temporarily_unavailable')
    return new Fault('secrets.unreachable', `${place} is troubled (HTTP ${status})${quote}`, { advice: SLOWER });
  if (error === '')
    return new Fault('secrets.unreachable', `${place}: what answers there is no login of Azure (HTTP ${status})`, {
      advice: 'Check `authority` and `tenant_id` of the secret manager, and proxies on the way.',
    });
  const number = /AADSTS(\d+)/.exec(description)?.[1] ?? '';
  const advice = LOGIN_ADVICE[number] ?? 'Check tenant_id, client_id and client_secret of the secret manager.';
  return new Fault('secrets.refused', `${place} refuses the login: ${quoted(error, confidential)}${quote}`, { advice });
};

/** Inner codes of a 403, as Key Vault sends them. */
const FORBIDDEN: Readonly<Record<string, readonly [what: string, advice: string]>> = {
  ForbiddenByFirewall: [
    'the firewall of the vault does not let this address through',
    'Add the address that this machine (or its proxy) comes from under Networking of the vault, or use a private end point.',
  ],
  ForbiddenByConnection: [
    'the vault takes connections from a private end point only',
    'Route this machine to the private end point of the vault, or allow public access.',
  ],
  ForbiddenByRbac: [
    'the identity has no role that permits it',
    'Give the identity the role Key Vault Secrets User on the vault; a new role takes up to ten minutes.',
  ],
  ForbiddenByPolicy: [
    'the access policy of the vault does not permit it',
    'Give the identity the secret permission Get in an access policy of the vault, or change it to roles.',
  ],
  AccessDenied: [
    'the access policy of the vault does not permit it',
    'Give the identity the secret permission Get in an access policy of the vault.',
  ],
};

/** Older vaults say it in words alone. */
const BY_WORDS: readonly (readonly [pattern: RegExp, inner: string])[] = [
  [/client address is not authorized/i, 'ForbiddenByFirewall'],
  [/does not have secrets get permission/i, 'ForbiddenByPolicy'],
  [/caller is not authorized to perform action/i, 'ForbiddenByRbac'],
];

/** What any answer of a vault means that is neither success nor 404. */
export const vaultFault = (name: string, secret: string, answer: Answer, confidential: readonly Secret[]): Fault => {
  const { status, json } = answer;
  const code = textAt(json, 'error', 'code') ?? '';
  const words = quoted(textAt(json, 'error', 'message') ?? '', confidential);
  const quote = words === '' ? '' : ` (${words})`;
  if (status === 401)
    return new Fault('secrets.refused', `${name} does not accept the token of the login${quote}`, {
      advice: 'Check that tenant_id is the tenant of the vault, and the clock of this machine.',
    });
  if (status === 403) {
    const inner = textAt(json, 'error', 'innererror', 'code') ?? textAt(json, 'error', 'innerError', 'code') ?? '';
    if (inner === 'SecretDisabled' || /disabled secret/i.test(words))
      return new Fault('secrets.refused', `${name}: the secret “${secret}” is disabled`, {
        advice: 'Enable its current version in the vault, or set a new value.',
      });
    const spoken = BY_WORDS.find(([pattern]) => pattern.test(words))?.[1];
    const known = FORBIDDEN[inner] ?? FORBIDDEN[spoken ?? ''] ?? FORBIDDEN[code];
    return new Fault('secrets.refused', `${name}: ${known?.[0] ?? 'forbidden'}: the secret “${secret}”${quote}`, {
      advice: known?.[1] ?? 'Give the identity the right to get secrets: the role Key Vault Secrets User.',
    });
  }
  if (status === 429) {
    const wait = patienceAsked(answer.header('retry-after'));
    return new Fault('secrets.unreachable', `${name} limits the rate of requests${wait}${quote}`, { advice: SLOWER });
  }
  if (code === '' && status < 500)
    return new Fault('secrets.unreachable', `${name}: what answers there is no Key Vault (HTTP ${status})`, {
      advice: 'Check `url` of the secret manager (https://NAME.vault.azure.net), and proxies on the way.',
    });
  return new Fault('secrets.unreachable', `${name}: the secret “${secret}” was answered with HTTP ${status}${quote}`);
};
