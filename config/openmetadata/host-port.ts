/** What `hostPort` says about the ways to the site. */
export type Route =
  | {
      /** The engine itself, where client certificates log in. The repository is on the same host. */
      readonly way: 'direct';
      readonly repositoryUrl: string;
      readonly engineUrl: string;
      /** True: a path stood behind the port, which means nothing there. */
      readonly prefixIgnored: boolean;
    }
  | { readonly way: 'virtual proxy'; readonly url: string }
  | { readonly way: 'none'; readonly message: string; readonly advice: string };

const ENGINE_PORT = '4747';
const REPOSITORY_PORT = '4242';
const EXAMPLE = 'Write hostPort: wss://qlik.example.com:4747, or wss://qlik.example.com/prefix for a virtual proxy.';

/** Reads `wss://server:4747` and `wss://server[:port][/virtual proxy]`. */
export const readHostPort = (given: string): Route => {
  const text = given.trim();
  const none = (message: string, advice = EXAMPLE): Route => ({ way: 'none', message, advice });
  if (/^[a-z]+:\/\/[^?#]*@/i.test(text))
    return none(
      'hostPort holds a user or a password, which may not stand in a URL.',
      'Take out everything from // up to and with the @.',
    );
  const scheme = /^([a-z]+):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== 'wss' && scheme !== 'ws')
    return none(
      scheme === undefined ? 'hostPort must begin with wss://.' : `hostPort must begin with wss://, not ${scheme}://.`,
    );
  if (!URL.canParse(text)) return none('hostPort is not a URL.');
  const url = new URL(text);
  // The client appends /app/<id> itself; people copy it along.
  const path = url.pathname.replace(/\/app(?:\/.*)?$/i, '').replace(/^\/+|(?<!\/)\/+$/g, '');
  const secure = scheme === 'wss' ? 'https' : 'http';
  if (url.port === ENGINE_PORT)
    return {
      way: 'direct',
      repositoryUrl: `${secure}://${url.hostname}:${REPOSITORY_PORT}`,
      engineUrl: `${scheme}://${url.host}`,
      prefixIgnored: path !== '',
    };
  return { way: 'virtual proxy', url: `${secure}://${url.host}${path === '' ? '' : `/${path}`}` };
};
