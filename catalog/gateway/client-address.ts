import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Addresses of networks that are not the internet: where a proxy of one's own stands. */
const own = new BlockList();
for (const [net, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  own.addSubnet(net, bits);
own.addAddress('::1', 'ipv6');
own.addSubnet('fc00::', 7, 'ipv6');

const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

const isOwn = (address: string): boolean => own.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** One household or company gets a /64 of IPv6: it counts as one. */
const network = (address: string): string => {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
};

/**
 * Who asks, for counting: an IPv4 address or a /64. `X-Forwarded-For` counts only when a proxy stands before the gateway
 * and the request comes from it, that is from an address that is not the internet's; then it is the last one that no
 * such proxy has.
 */
export const clientAddress = (request: IncomingMessage, behindProxy: boolean): string => {
  let address = plain(request.socket.remoteAddress ?? '');
  if (behindProxy) {
    const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',').reverse();
    for (const one of forwarded) {
      if (!isOwn(address) || isIP(plain(one.trim())) === 0) break;
      address = plain(one.trim());
    }
  }
  return network(address);
};
