import { aheadOrBehind, clockAheadMs } from '#agent/network/clock.ts';
import { Fault } from '#protocol/errors.ts';
import { patienceAsked } from '../server.ts';

/** An error as AWS sent it, whichever of its protocols it came by. */
export interface AwsFailure {
  /** `ResourceNotFoundException`, say; empty when the answer did not come from AWS. */
  readonly type: string;
  /** Fit to be shown. */
  readonly message: string;
  readonly status: number;
  /** The header `Date` of the answer. */
  readonly date: string | undefined;
  readonly retryAfter: string | undefined;
}

const THROTTLED =
  /^(?:Throttling(?:Exception)?|ThrottledException|TooManyRequestsException|RequestLimitExceeded|RequestThrottled\w*|SlowDown|PriorRequestNotComplete|LimitExceededException|IDPCommunicationError)$/;
const EXPIRED = /^ExpiredToken(?:Exception)?$/;
const SIGNATURE = /^(?:SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature(?:Exception)?)$/;
const CLOCK = /^(?:RequestTimeTooSkewed|RequestExpired|RequestInTheFuture)$/;
const UNKNOWN_KEY =
  /^(?:UnrecognizedClientException|InvalidClientTokenId|InvalidAccessKeyId|AuthFailure|MissingAuthenticationToken\w*)$/;
const DENIED = /^(?:AccessDenied(?:Exception)?|UnauthorizedOperation|NotAuthorized)$/;

/** True for credentials that ended: other ones may do. */
export const isExpired = ({ type, message }: AwsFailure): boolean =>
  EXPIRED.test(type) || (UNKNOWN_KEY.test(type) && /security token .*expired/i.test(message));

/** A clock that is right to five minutes signs well. */
const SKEW_MS = 240_000;

/** What an error of AWS means to a person; `doing`: what was asked for. */
export const awsFault = (name: string, doing: string, failure: AwsFailure, now: number): Fault => {
  const { type, message, status, date, retryAfter } = failure;
  const words = message === '' ? '' : ` (${message})`;
  const refused = (what: string, advice: string): Fault =>
    new Fault('secrets.refused', `${name}: ${doing}: ${what}`, { advice });
  const unreachable = (what: string, advice: string): Fault =>
    new Fault('secrets.unreachable', `${name}: ${doing}: ${what}`, { advice });

  const aheadMs = clockAheadMs(date, now);
  const skewed = aheadMs !== undefined && Math.abs(aheadMs) > SKEW_MS;
  if (CLOCK.test(type) || (SIGNATURE.test(type) && (skewed || /signature (?:expired|not yet current)/i.test(message))))
    return refused(
      `the clocks differ too much.${aheadMs === undefined ? '' : ` The clock of this machine is ${aheadOrBehind(aheadMs)} that of AWS.`}`,
      'Set the clock of this machine (NTP); AWS refuses what was signed more than five minutes off.',
    );
  if (isExpired(failure))
    return refused(
      `the credentials have expired${words}`,
      'Renew the session token (or the web identity token); keys of a user without a session token do not expire.',
    );
  if (SIGNATURE.test(type))
    // What AWS says here repeats the whole request, the session token included.
    return refused(
      'the signature is wrong',
      'Copy the secret access key again: it does not belong to the access key id.',
    );
  if (UNKNOWN_KEY.test(type))
    return refused(
      `AWS does not know the access key${words}`,
      'Check the access key id, that it is active, and that a session token goes with it if it begins with ASIA.',
    );
  if (DENIED.test(type) && /\bkms\b/i.test(message))
    return refused(`the key of the secret may not be used${words}`, 'Allow kms:Decrypt on the KMS key of the secret.');
  if (DENIED.test(type))
    return refused(
      `access denied${words}`,
      type === 'AccessDenied' && doing.startsWith('assuming')
        ? 'Let the trust policy of the role name the provider, subject and audience of the token.'
        : 'Allow secretsmanager:GetSecretValue on the secret to this user or role, and kms:Decrypt on its own KMS key.',
    );
  if (type === 'DecryptionFailure' || /^KMS/.test(type))
    return refused(
      `the secret cannot be decrypted${words}`,
      'Check that the KMS key of the secret is enabled and that kms:Decrypt on it is allowed.',
    );
  if (type === 'InvalidIdentityToken')
    return refused(
      `the web identity token is refused${words}`,
      'Check the identity provider of the role and the token.',
    );
  if (THROTTLED.test(type) || status === 429)
    return unreachable(
      `AWS limits the rate of requests${patienceAsked(retryAfter)}${words}`,
      'It is asked again by itself, more slowly.',
    );
  if (type === '')
    return unreachable(
      `the answer is not one of AWS (HTTP ${status})`,
      'Check the end point and the region of the secret manager in `agent.conf`, and proxies on the way.',
    );
  if (status >= 500)
    return unreachable(`${type}, HTTP ${status}${words}`, 'AWS is troubled; it is asked again by itself.');
  return refused(`${type}${words}`, 'Check the name of the secret and the credentials of the secret manager.');
};
