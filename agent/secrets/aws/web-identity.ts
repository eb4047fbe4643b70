import type { Dialer } from '#agent/network/dialer.ts';
import { Secret } from '#config/secret.ts';
import type { SecretRoute } from '#config/secrets/manager.ts';
import { Fault } from '#protocol/errors.ts';
import type { Leased } from '../flight.ts';
import { quoted } from '../quote.ts';
import { SecretServer } from '../server.ts';
import type { Surroundings } from '../surroundings.ts';
import { awsFault } from './faults.ts';
import { temporary } from './metadata.ts';
import { endpointOf } from './region.ts';
import type { AwsCredentials } from './signature.ts';
import { element } from './xml.ts';

/** A token that somebody else writes (a cluster, say), and the role that it may take. */
export interface WebIdentity {
  readonly tokenFile: string;
  readonly roleArn: string;
  readonly sessionName: string;
  /** Where it was named, for messages. */
  readonly from: string;
}

/**
 * Credentials of a role from STS in exchange for the token of a file, which is read anew each time. No signature is needed.
 * @throws Fault `secrets.refused`, `secrets.unreachable`, `proxy.…`
 */
export const webIdentityCredentials = async (
  { tokenFile, roleArn, sessionName, from }: WebIdentity,
  region: string,
  dialer: Dialer,
  route: SecretRoute,
  { env, read, now }: Surroundings,
): Promise<Leased<AwsCredentials>> => {
  const content = read(tokenFile);
  if (content.type !== 'file')
    throw new Fault('secrets.refused', `The web identity token (${from}) cannot be read: ${content.reason}`, {
      advice: 'Check that the file exists and that the agent may read it.',
    });
  const token = new Secret(content.bytes.toString().trim());
  const server = new SecretServer(dialer, 'STS of AWS', endpointOf('sts', region, env), route);
  const answer = await server.ask({
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/xml' },
    body: new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: sessionName,
      WebIdentityToken: token.reveal(),
    }).toString(),
  });
  const of = (name: string): string | undefined => element(answer.text, name);
  const found = temporary(of('AccessKeyId'), of('SecretAccessKey'), of('SessionToken'), of('Expiration'));
  if (answer.status === 200 && found !== undefined) return found;
  const failure = {
    type: of('Code') ?? '',
    message: quoted(of('Message') ?? '', [token]),
    status: answer.status,
    date: answer.header('date'),
    retryAfter: answer.header('retry-after'),
  };
  throw awsFault(`STS at ${server.origin}`, `assuming the role ${roleArn}`, failure, now());
};
