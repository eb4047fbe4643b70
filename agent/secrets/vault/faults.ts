import type { Secret } from '#config/secret.ts';
import { Fault } from '#protocol/errors.ts';
import { isObject } from '../fields.ts';
import { quoted } from '../quote.ts';
import { type Answer, patienceAsked } from '../server.ts';

/** What Vault says in an error: `{"errors": ["1 error occurred:\n\t* permission denied\n\n"]}`. */
export const said = ({ json }: Answer, confidential: readonly Secret[] = []): string => {
  const errors = isObject(json) ? json['errors'] : undefined;
  if (!Array.isArray(errors)) return '';
  const words = errors.filter((error): error is string => typeof error === 'string').join('; ');
  // Without the frame that Vault puts round its errors: a count of them, and a star before each.
  return quoted(words, confidential).replaceAll(/\d{1,4} errors? occurred: ?(?:\* ?)?/g, '');
};

const withWords = (message: string, words: string): string => (words === '' ? message : `${message} (${words})`);

/** What the status of `sys/health` means, which needs no token: the codes are Vault's own. */
export const HEALTH: Readonly<Record<number, { readonly state: string; readonly advice: string }>> = {
  429: {
    state: 'is a standby node that reaches no active one',
    advice: 'Let `url` of the secret manager lead to the active node or to a load balancer that knows which one is.',
  },
  472: {
    state: 'is a node of a disaster recovery secondary, which serves no secrets',
    advice: 'Let `url` of the secret manager lead to the primary cluster.',
  },
  473: {
    state: 'is a performance standby that cannot answer at the moment',
    advice: 'Let `url` of the secret manager lead to the active node or to a load balancer that knows which one is.',
  },
  501: { state: 'is not initialised', advice: 'Initialise it: vault operator init.' },
  503: { state: 'is sealed', advice: 'Unseal it (vault operator unseal), or mend its automatic unsealing.' },
};

/**
 * What any answer means that is neither success, nor 403, nor 404. `health`: the status of `sys/health`, asked when a
 * server error does not explain itself.
 */
export const vaultFault = (
  name: string,
  doing: string,
  answer: Answer,
  health: number | undefined,
  confidential: readonly Secret[] = [],
): Fault => {
  const { status } = answer;
  const words = said(answer, confidential);
  const known = HEALTH[status === 472 || status === 473 ? status : (health ?? 0)];
  if (known !== undefined)
    return new Fault('secrets.unreachable', withWords(`${name} ${known.state}`, words), { advice: known.advice });
  if (status === 429) {
    const wait = patienceAsked(answer.header('retry-after'));
    return new Fault('secrets.unreachable', withWords(`${name} limits the rate of requests${wait}`, words), {
      advice: 'It is asked again by itself, more slowly; raise the quota in Vault if this stays.',
    });
  }
  if (status >= 300 && status < 400) {
    const to = answer.header('location');
    const where = to === undefined ? '' : `: it sends us to ${quoted(to, confidential)}`;
    return new Fault('secrets.unreachable', `${name} does not answer itself (HTTP ${status})${where}`, {
      advice: 'Write the address of the active node, or of the load balancer, into `url`: no redirect is followed.',
    });
  }
  if (answer.json === undefined && status < 500)
    return new Fault('secrets.unreachable', `${name}: what answers there is not Vault (HTTP ${status})`, {
      advice: 'Check host and port of the secret manager in `agent.conf`; the usual port of Vault is 8200.',
    });
  return new Fault('secrets.unreachable', withWords(`${name}: ${doing} was answered with HTTP ${status}`, words));
};
