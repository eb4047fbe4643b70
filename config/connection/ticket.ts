import type { Authentication, TicketLogin } from './connection.ts';
import type { Problems } from './problem.ts';
import type { Values } from './values.ts';

/** Port of the proxy service's own API. */
const PROXY_SERVICE_PORT = '4243';
const URL_KEY = 'connection.auth.proxy_service_url';

/**
 * Where tickets come from: `connection.auth.proxy_service_url`, or the host of `connection.url` at the usual port.
 * Undefined when it is wrong, which is reported.
 */
const proxyServiceOrigin = (values: Values, problems: Problems): string | undefined => {
  const given = values.text(URL_KEY);
  if (given === undefined) {
    const site = values.text('connection.url')?.value.trim();
    // A missing or wrong connection.url is reported where it is read.
    if (site === undefined || !URL.canParse(site)) return undefined;
    return `https://${new URL(site).hostname}:${PROXY_SERVICE_PORT}`;
  }
  const text = given.value.trim();
  const advice = `Write ${URL_KEY} = "https://qlik.example.com:${PROXY_SERVICE_PORT}".`;
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:') {
    problems.error('config.invalid', given.at, `${URL_KEY} must be an address that begins with https://.`, advice);
    return undefined;
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    problems.error('config.invalid', given.at, `${URL_KEY} holds a user or a password.`, advice);
    return undefined;
  }
  if (!['/', '/qps', '/qps/'].includes(url.pathname) || url.search !== '')
    problems.warn(
      'config.suspicious_value',
      given.at,
      `${URL_KEY}: only host and port of it are used.`,
      'The path is /qps/{prefix}/ticket always.',
    );
  return url.port === '' && !/:443\b/.test(text) ? `https://${url.hostname}:${PROXY_SERVICE_PORT}` : url.origin;
};

/** Makes the login by tickets from the client certificate that asks for them. */
export const ticketLogin = (
  certificate: Authentication | undefined,
  values: Values,
  problems: Problems,
): TicketLogin | undefined => {
  const origin = proxyServiceOrigin(values, problems);
  if (certificate?.type !== 'certificate' || origin === undefined) return undefined;
  return { ...certificate, type: 'ticket', proxyServiceOrigin: origin };
};
