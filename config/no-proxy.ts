import { BlockList, isIP } from 'node:net';

/** Entries of `no_proxy`: separated by commas or white space. */
export const noProxyEntries = (text: string): readonly string[] =>
  text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .slice(0, 1000);

interface Entry {
  readonly host: string;
  readonly port: number | undefined;
}

const parse = (text: string): Entry => {
  // An IPv6 address holds colons of its own: a port needs brackets before it.
  const bracketed = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(text);
  if (bracketed !== null) return { host: bracketed[1] ?? '', port: portOf(bracketed[2]) };
  if (text.split(':').length > 2) return { host: text, port: undefined };
  const [host = '', port] = text.split(':');
  return { host, port: portOf(port) };
};

const portOf = (text: string | undefined): number | undefined =>
  text === undefined || !/^\d{1,5}$/.test(text) ? undefined : Number(text);

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

const inNetwork = (network: string, host: string): boolean => {
  const [base = '', bits = ''] = network.split('/');
  const family = isIP(base);
  if (isIP(host) !== family || family === 0 || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(bits), familyOf(base));
  return list.check(host, familyOf(host));
};

/** Compared as addresses, since `::1` and `0:0:0:0:0:0:0:1` are one. */
const sameAddress = (a: string, b: string): boolean => inNetwork(`${a}/${isIP(a) === 6 ? 128 : 32}`, b);

const covers = (pattern: string, host: string): boolean => {
  if (pattern === '*') return true;
  if (pattern.includes('/')) return inNetwork(pattern, host);
  if (isIP(pattern) !== 0 || isIP(host) !== 0) return isIP(pattern) === isIP(host) && sameAddress(pattern, host);
  const name = pattern.toLowerCase().replace(/\.$/, '');
  const wanted = host.toLowerCase().replace(/\.$/, '');
  if (name.startsWith('*.')) return wanted.endsWith(name.slice(1));
  if (name.startsWith('.')) return wanted.endsWith(name);
  return name !== '' && (wanted === name || wanted.endsWith(`.${name}`));
};

/**
 * The first entry of `no_proxy` that exempts a host (IPv6 without brackets) and port, or undefined. As curl and Go read
 * it: `example.com` stands for itself and every name below it, `.example.com` and `*.example.com` for the names below,
 * an address or a network (`10.0.0.0/8`) for addresses as they are written (no name is resolved), `*` for everything;
 * `:port` behind any of them limits it to that port.
 */
export const exempts = (entries: readonly string[], host: string, port: number): string | undefined =>
  entries.find((text) => {
    const entry = parse(text);
    return (entry.port === undefined || entry.port === port) && covers(entry.host, host);
  });
