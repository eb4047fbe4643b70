import { originOf } from '#agent/qlik/auth/credentials.ts';
import type { Connection } from '#config/connection/connection.ts';
import { ALL_RESOURCES } from '#config/connection/rights.ts';
import type { CheckRecord } from '#protocol/checks.ts';
import { type UserName, userNamed } from './visit.ts';

/** A block of settings: fields of one form of the QMC. */
export interface SettingsBlock {
  readonly about: 'rights' | 'virtual_proxy' | 'certificate';
  readonly title: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

const OF_RIGHTS =
  /^qlik\.(?:forbidden|nothing_visible|kinds_not_visible|script_not_visible|connections_not_visible|access_denied|license)$/;
const OF_THE_VIRTUAL_PROXY =
  /^qlik\.(?:origin_not_allowed|host_not_allowed|websocket_forbidden|header_\w+|token_ignored|token_refused|token_claims|prefix_\w+|interactive_only|no_engine)$/;

/** Whether what is entered there mends what this check found. */
export const mends = (
  { about }: Pick<SettingsBlock, 'about'>,
  { status, check, code = '' }: Pick<CheckRecord, 'status' | 'check' | 'code'>,
): boolean => {
  if (status !== 'fail' || about === 'certificate') return false;
  // Before the log-in stands nobody knows whom a rule would be for.
  return about === 'rights' ? OF_RIGHTS.test(code) && check !== 'authentication' : OF_THE_VIRTUAL_PROXY.test(code);
};

/** The fields that each code is about; of a form that mends a code that is not here, all of them. */
const FIELDS: readonly (readonly [code: RegExp, field: RegExp])[] = [
  [/^qlik\.license$/, /^Besides$/],
  [OF_RIGHTS, /^(?:Resource filter|Actions|Conditions|Context)$/],
  [/^qlik\.(?:origin_not_allowed|host_not_allowed|websocket_forbidden)$/, /^Host allow list$/],
  [/^qlik\.prefix_/, /^(?:Prefix|Associated items)/],
  [/^qlik\.no_engine$/, /^Load balancing nodes$/],
  [/^qlik\.(?:header_\w+|token_\w+|interactive_only)$/, /^(?:Authentication method|Header|JWT|Windows)/],
];

/** The form with those fields alone that mend what this check found; undefined when none of them does. */
export const mending = (
  block: SettingsBlock,
  record: Pick<CheckRecord, 'status' | 'check' | 'code'>,
): SettingsBlock | undefined => {
  if (!mends(block, record)) return undefined;
  const [, wanted] = FIELDS.find(([code]) => code.test(record.code ?? '')) ?? [];
  return wanted === undefined ? block : { ...block, fields: block.fields.filter(([name]) => wanted.test(name)) };
};

/** The user of a connection as far as it is known: what the site said, else what the file says. */
const userOf = (connection: Connection, whoami: string | undefined): UserName => {
  const named = userNamed(whoami);
  if (named !== undefined) return named;
  const own = connection.authentication;
  if (own.type === 'ticket' || own.type === 'certificate') return { directory: own.userDirectory, id: own.userId };
  if (own.type === 'windows')
    return {
      directory: typeof own.domain === 'string' && own.domain !== '' ? own.domain : 'DIRECTORY',
      id: own.user,
    };
  if (own.type === 'signed-jwt') {
    const { user, directory } = claimNames(own.claims);
    const text = (name: string, otherwise: string): string => {
      const value = own.claims[name];
      return typeof value === 'string' ? value : otherwise;
    };
    return { directory: text(directory, 'DIRECTORY'), id: text(user, 'user') };
  }
  return { directory: 'DIRECTORY', id: 'user' };
};

const inRule = (text: string): string => text.replaceAll('"', '""');

/** What an administrator enters in the QMC for this connection. `whoami`: the user as the site named it. */
export const settingsFor = (connection: Connection, whoami?: string): readonly SettingsBlock[] => {
  const { directory, id } = userOf(connection, whoami);
  const rule: SettingsBlock = {
    about: 'rights',
    title: `QMC > Security rules > Create new, for ${directory}\\${id}`,
    fields: [
      ['Name', `Culvert ${connection.code}`],
      ['Resource filter', ALL_RESOURCES],
      ['Actions', 'Read'],
      ['Conditions', `user.userDirectory="${inRule(directory)}" and user.userId="${inRule(id)}"`],
      ['Context', 'Both in hub and QMC'],
      ['Besides', 'an access allocation (professional or analyzer) for the user, in License management'],
    ],
  };
  const own = connection.authentication;
  if (own.type === 'certificate')
    return [
      rule,
      {
        about: 'certificate',
        title: 'QMC > Certificates > Export, for the client certificate',
        fields: [
          ['Machine name', 'the name of the machine of this agent'],
          ['Include secret key', 'yes'],
          ['Export file format', 'Platform independent PEM-format (or Windows format, a PFX)'],
          ['Firewall', 'this machine to ports 4242 (repository) and 4747 (engine)'],
        ],
      },
    ];
  return [
    rule,
    {
      about: 'virtual_proxy',
      title: `QMC > Virtual proxies > ${connection.prefix === '' ? 'the default one' : `"${connection.prefix}"`}`,
      fields: [
        ['Prefix', connection.prefix === '' ? '(empty)' : connection.prefix.toLowerCase()],
        ['Session inactivity timeout', '30 minutes'],
        [
          'Session cookie header name',
          `X-Qlik-Session${connection.prefix === '' ? '' : `-${connection.prefix.toLowerCase().replaceAll('/', '-')}`}, or another one that no other virtual proxy has`,
        ],
        ['Anonymous access mode', 'No anonymous user'],
        ...authenticationFields(connection),
        ['Load balancing nodes', 'the engine nodes, the central node at least'],
        ['Host allow list', new URL(originOf(connection)).hostname],
        ['Associated items > Proxies', 'linked to the proxy that serves this host'],
      ],
    },
  ];
};

const authenticationFields = ({ authentication }: Connection): readonly (readonly [string, string])[] => {
  switch (authentication.type) {
    case 'header':
      return [
        [
          'Authentication method',
          'Header authentication static (or dynamic) user directory: only where nobody but this agent reaches it',
        ],
        ['Header name', authentication.header],
        [
          'Header authentication',
          authentication.value.reveal().includes('\\')
            ? 'dynamic user directory, pattern $ud\\\\$id'
            : 'static user directory: the value is the user alone',
        ],
      ];
    case 'signed-jwt':
      return [
        ['Authentication method', 'JWT'],
        ['JWT certificate', 'the one that culvert jwt init made with the key in the file'],
        ...attributes(authentication.claims),
      ];
    case 'jwt':
      return [
        ['Authentication method', 'JWT'],
        ['JWT certificate', 'the one whose key signed the token'],
        ['JWT attributes', 'for user ID and user directory: the names of the claims of the token'],
      ];
    case 'windows':
      return [
        ['Authentication method', 'Ticket'],
        ['Windows authentication pattern', 'Windows'],
      ];
    case 'ticket':
      return [['Authentication method', 'Ticket']];
    case 'certificate':
      return [];
    default:
      return authentication satisfies never;
  }
};

/** Which claims of a token name the user and its directory. */
const claimNames = (
  claims: Readonly<Record<string, unknown>>,
): { readonly user: string; readonly directory: string } => {
  const names = Object.keys(claims);
  return {
    user: names.find((name) => /user.?id/i.test(name)) ?? names[0] ?? 'userId',
    directory: names.find((name) => /directory/i.test(name)) ?? names[1] ?? 'userDirectory',
  };
};

const attributes = (claims: Readonly<Record<string, unknown>>): readonly (readonly [string, string])[] => {
  const { user, directory } = claimNames(claims);
  return [
    ['JWT attribute for user ID', user],
    ['JWT attribute for user directory', directory],
  ];
};
