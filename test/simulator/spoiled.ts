/** Answers that went bad on the way: what a client gets from machines between, and from services that are half up. */
import type { Faults, SpoiledAnswer } from './faults.ts';
import { loginPage } from './proxy/pages.ts';
import type { Reply } from './reply.ts';

const textOf = ({ body = '' }: Reply): string =>
  typeof body === 'string' || Buffer.isBuffer(body) ? String(body) : [...body].join('');

const spoiledAs = (reply: Reply, as: SpoiledAnswer['as']): Reply => {
  switch (as) {
    case 'login-page':
      return loginPage('/');
    case 'truncated': {
      const text = textOf(reply);
      return { ...reply, body: text.slice(0, Math.ceil(text.length / 2)) };
    }
    case 'garbage':
      return { ...reply, body: '\u0000\u0001<not JSON>' };
    case 'empty':
      return { ...reply, body: '' };
    default:
      return as satisfies never;
  }
};

/** The answer as it arrives; only good ones are spoiled. */
export function asItArrives(faults: Faults, path: string, reply: Reply): Reply {
  if (reply.status >= 300) return reply;
  const as = faults.spoils(path);
  return as === null ? reply : spoiledAs(reply, as);
}
