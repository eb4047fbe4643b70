import { Fault } from '#protocol/errors.ts';
import { isLoopback } from './loopback.ts';

const refused = (why: string, advice = 'Write gateway.url = "wss://catalog.example.com".'): Fault =>
  // What was written is not repeated: it may hold a password in a place where none belongs.
  new Fault('config.invalid', `gateway.url ${why}`, { advice });

/**
 * Reads `gateway.url`: `wss://…` or `https://…`; without TLS only to this machine itself. The one place that decides what
 * may stand there.
 *
 * @returns the URL with the scheme `wss:` or `ws:`
 * @throws Fault `config.invalid`
 */
export const readGatewayUrl = (text: string): URL => {
  if (/^[a-z]+:\/\/[^?#]*@/i.test(text))
    throw refused('holds a user or a password.', 'Take out everything from // up to and with the @.');
  if (!URL.canParse(text) || !/^[a-z]+:\/\//i.test(text)) throw refused('is not a URL.');
  const url = new URL(text);
  const secure = url.protocol === 'wss:' || url.protocol === 'https:';
  if (!secure && url.protocol !== 'ws:' && url.protocol !== 'http:') throw refused('must begin with wss://.');
  if (!secure && !isLoopback(url.hostname))
    throw refused('may be without TLS only to this machine itself (localhost, 127.0.0.1, [::1]).');
  if (url.search !== '' || url.hash !== '') throw refused('may have no part after ? or #.');
  // `url.host` has no default port, which ws and http, wss and https have in common.
  return new URL(`${secure ? 'wss' : 'ws'}://${url.host}${url.pathname}`);
};
